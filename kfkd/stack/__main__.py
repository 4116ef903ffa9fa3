"""Run a script of old, unchanged: ``python -m kfkd.stack script.py arguments...``.

It runs as by ``python script.py arguments...``, where ``import theano`` and the like
find what :mod:`kfkd.stack` has imported.  So it is in the processes that the script
starts through multiprocessing, however these are started, as long as it leaves
``sys.argv`` in its place; others, as of subprocess, are on their own.
"""

import sys

from kfkd.stack.scripts import run_code, run_module, run_script

USAGE = """\
Usage:
    python -m kfkd.stack SCRIPT [ARGUMENT ...]
        run an old script for Theano, Lasagne or nolearn, unchanged
    python -m kfkd.stack -m MODULE [ARGUMENT ...]
    python -m kfkd.stack -c CODE [ARGUMENT ...]
        the same for a module, and for a line of code

All runs as with python alone, but the three packages work."""


def main():
    """Run what the command line names; return the exit status."""
    match sys.argv[1:]:
        case ["-h" | "--help", *_]:
            print(USAGE)
        case ["-m", name, *arguments]:
            run_module(name, arguments)
        case ["-c", code, *arguments]:
            run_code(code, arguments)
        case [path, *arguments] if not path.startswith("-"):
            run_script(path, arguments)
        case _:
            print(USAGE, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
