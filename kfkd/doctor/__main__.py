"""Entry point of ``python -m kfkd.doctor``; the command is :mod:`kfkd.cli.doctor`."""

import sys

from kfkd.cli.doctor import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m kfkd.doctor"))
