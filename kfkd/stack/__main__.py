"""Run a script of old, unchanged: ``python -m kfkd.stack script.py arguments...``.

It runs as by ``python script.py arguments...``, where ``import theano`` and the like
find what :mod:`kfkd.stack` has imported.  So it is in the processes that the script
starts through multiprocessing, however these are started, as long as it leaves
``sys.argv`` in its place; others, as of subprocess, are on their own.

``kfkd run script.py arguments...`` is the same, and works where the current folder has
a ``kfkd.py``, too: Python alone would take that for this package.
"""

import sys

from kfkd.cli import _run_script


def main():
    """Run what the command line names; return the exit status."""
    return _run_script.main(sys.argv[1:], "python -m kfkd.stack")


if __name__ == "__main__":
    sys.exit(main())
