"""How all the scripts that are command lines of the package begin."""

import sys


def run(name):
    """Run one of the package's command lines, and exit with its status."""
    try:
        from kfkd import cli
    except ModuleNotFoundError as error:
        sys.exit(
            f"{error}, for {sys.executable}. `make venv` sets all up in .venv: then "
            "run .venv/bin/python instead, or first `. .venv/bin/activate`"
        )
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(cli.run(name))
