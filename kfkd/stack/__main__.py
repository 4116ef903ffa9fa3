"""Run an old script unchanged: ``python -m kfkd.stack script.py arguments...``.

It runs as by ``python script.py arguments...``, but ``import theano`` and the like
import what :mod:`kfkd.stack` has set up.  The same holds in processes that the script
starts through multiprocessing, unless it replaces ``sys.argv``; it does not hold in
those of subprocess.

``kfkd run script.py arguments...`` does the same, also where the current folder has a
``kfkd.py``, which Python would take for this package.
"""

import sys

from kfkd.cli import _run_script


def main():
    """Run what the command line names; return the exit status."""
    return _run_script.main(sys.argv[1:], "python -m kfkd.stack")


if __name__ == "__main__":
    sys.exit(main())
