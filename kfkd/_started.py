"""How the process was started."""

import sys

__all__ = ["starts"]


def starts(module):
    """Tell whether the package is being imported for ``python -m module``."""
    # Until the module is found, sys.argv has "-m", and then the module's arguments.
    arguments = getattr(sys, "argv", [])
    if arguments[:1] != ["-m"]:
        return False
    return sys.orig_argv[-len(arguments)].removeprefix("-m") == module
