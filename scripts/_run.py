"""How all the scripts that are command lines of the package begin.

Python 2.7 and later can read this file, so that old ones say what is needed.
"""

import sys

_OLDEST = (3, 11)


def run(name):
    """Run one of the package's command lines, and exit with its status."""
    python = sys.executable or "this"
    advice = (
        ". `make venv` sets all up in .venv: then run .venv/bin/python instead, or "
        "first `. .venv/bin/activate`"
    )
    if sys.version_info < _OLDEST:
        needed = ".".join(map(str, _OLDEST))
        version = ".".join(map(str, sys.version_info[:3]))
        problem = "kfkd needs Python " + needed + " or newer; "
        sys.exit(problem + python + " is Python " + version + advice)
    try:
        from kfkd import cli
    except ModuleNotFoundError as error:
        sys.exit(str(error) + ", for " + python + advice)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(cli.run(name))
