"""The command lines: one module for each, with its ``parse_args`` and ``main``.

``scripts/`` and ``python -m kfkd`` call them through `run`.
"""

import errno
import importlib
import os
import sys

from kfkd._signals import ended_like_ctrl_c
from kfkd.cli._output import lasting_output
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
        the message goes to standard error; 130 after Ctrl-C, and 143 after SIGTERM
        and 129 after SIGHUP, which end everything in the same order.
    """
    with lasting_output() as output, ended_like_ctrl_c() as received:
        status = _run(name, argv)
    # That nobody wants to read on is no failure.
    if output.error and output.error.errno not in (errno.EPIPE, errno.EIO):
        _complain(f"standard output could not be written: {output.error.strerror}")
        return status or 1
    return 128 + received[0] if received and status == _INTERRUPTED else status


def _run(name, argv):
    try:
        return importlib.import_module(f"kfkd.cli.{name}").main(argv)
    except _ERRORS as error:
        _complain(error)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return _INTERRUPTED


def _complain(error):
    print(f"{os.path.basename(sys.argv[0])}: {error}", file=sys.stderr)
