"""Packages that cannot be imported: which one, and which setting keeps it from that.

Python alone is needed here, as for the doctor.
"""

import os
import re
import traceback

__all__ = ["blamed_variables", "failed_import"]

_PREFIXES = ("JAX_", "MPL", "XLA_")


def failed_import(error):
    """Return the name of the package, not kfkd's own, whose import raised an error.

    None if it was raised by anything else.
    """
    names = [
        (frame.f_globals.get("__name__", ""), frame.f_code.co_name)
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if not frame.f_code.co_filename.startswith("<frozen ")
    ]
    ours = [i for i, (name, _) in enumerate(names) if name.partition(".")[0] == "kfkd"]
    module, function = (names[ours[-1] + 1 :] or [("", "")])[0] if ours else ("", "")
    return module.partition(".")[0] if function == "<module>" else None


def blamed_variables(problem):
    """Return the environment variables of packages that an error message speaks of.

    It has the name of a variable, in either case, or else its value in quotes.
    """
    own = {name: os.environ[name] for name in os.environ if name.startswith(_PREFIXES)}
    words = {word.upper() for word in re.findall(r"\w+", problem)}
    named = [name for name in own if name in words]
    return named or [name for name, value in own.items() if repr(value) in problem]
