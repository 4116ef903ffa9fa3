"""The command lines: one module for each, with its ``parse_args`` and ``main``.

``scripts/`` and ``python -m kfkd`` call them through `run`.
"""

import importlib
import os
import sys

from kfkd._signals import sigterm_like_ctrl_c
from kfkd.data import DataError
from kfkd.plots import PlotError
from kfkd.prediction import PredictionError
from kfkd.specialists import SpecialistError
from kfkd.storage import StorageError
from kfkd.training import DivergedError
from kfkd.xla import DeviceError, PrecisionError

__all__ = ["run"]

_INTERRUPTED = 130

# Those that are the user's to mend.
_ERRORS = (
    DataError,
    DeviceError,
    DivergedError,
    OSError,
    PlotError,
    PrecisionError,
    PredictionError,
    SpecialistError,
    StorageError,
)


def run(name, argv=None):
    """Run a command line and return the exit status.

    Parameters
    ----------
    name : str
        The module of this package that has its ``main``.
    argv : list of str, optional
        Its arguments; by default those of the process.

    Returns
    -------
    int
        What ``main`` returns; 1 after an error that is the user's to mend, of which
        the message goes to standard error; 130 after Ctrl-C, and 143 after SIGTERM,
        which ends everything in the same order.
    """
    main = importlib.import_module(f"kfkd.cli.{name}").main
    with sigterm_like_ctrl_c() as terminated:
        status = _run(main, argv)
    return 128 + terminated[0] if terminated and status == _INTERRUPTED else status


def _run(main, argv):
    try:
        return main(argv)
    except BrokenPipeError:  # as by `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except _ERRORS as error:
        print(f"{os.path.basename(sys.argv[0])}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return _INTERRUPTED
