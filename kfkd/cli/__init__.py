"""The command lines: one module for each, with its ``parse_args`` and ``main``.

``scripts/`` and the command ``kfkd`` call them through `run`.  They parse their
arguments before they import what is slow: ``import kfkd`` takes almost no time, and its
modules are imported where they are first used, as in ``kfkd.data.find``.
"""

import errno
import importlib
import os
import sys

from kfkd.cli._standard_streams import tolerate_broken_stdout
from kfkd.errors import KfkdError
from kfkd.messages import without_controls
from kfkd.process.imports import blamed_variables, failed_import
from kfkd.process.installation import install, is_checkout
from kfkd.process.signals import (
    end_at_once_at_exit,
    sigterm_as_keyboard_interrupt,
)

__all__ = ["explain", "run"]

_INTERRUPTED = 130


def run(name, argv=None, prog=None):
    """Run a command line and return the exit status.

    Parameters
    ----------
    name : str
        The module of this package that contains its ``main``.
    argv : list of str, optional
        Its arguments; by default those of the process.
    prog : str, optional
        Its name in messages; by default that of the script that was started.

    Returns
    -------
    int
        What ``main`` returns; 1 after an error that the user can correct, whose
        message goes to standard error; 130 after Ctrl-C, 143 after SIGTERM and 129
        after SIGHUP, which end the program in the same way.
    """
    prog = prog or os.path.basename(sys.argv[0])
    with (
        tolerate_broken_stdout() as output,
        sigterm_as_keyboard_interrupt() as received,
    ):
        status = _run(name, argv, prog)
        end_at_once_at_exit()
    # A reader that has stopped reading is not a failure.
    if output.error and output.error.errno not in (errno.EPIPE, errno.EIO):
        reason = output.error.strerror
        _warn(prog, f"standard output could not be written: {reason}")
        return status or 1
    return 128 + received[0] if received and status == _INTERRUPTED else status


def _run(name, argv, prog):
    try:
        return importlib.import_module(f"kfkd.cli.{name}").main(argv, prog)
    except MemoryError as error:
        detail = f": {error}" if str(error) else ""
        _warn(prog, f"there is too little memory for this{detail}")
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return _INTERRUPTED
    except Exception as error:
        return explain(prog, error)


def explain(prog, error):
    """Print an error, and for a missing module how to install it; return the status.

    Parameters
    ----------
    prog : str
        The name of the command in messages.
    error : Exception
        Raised again unless it is the user's to correct: a KfkdError, an OSError, or
        one from the import of a package other than kfkd.
    """
    if isinstance(error, (KfkdError, OSError)):
        _warn(prog, error)
        return 1
    if not isinstance(error, ModuleNotFoundError):
        package = failed_import(error)
        if not package:
            raise error
        wrong = ", ".join(blamed_variables(str(error)))
        advice = f"Change or unset {wrong}" if wrong else "Run: python -m kfkd doctor"
        _warn(prog, f"{package} cannot be imported: {error}. {advice}")
        return 1
    if (error.name or "").partition(".")[0] == "kfkd":
        raise error
    advice = f"Install it with: {install()}"
    if is_checkout():
        advice = (
            "`make venv` sets all up in .venv: then run .venv/bin/python instead, "
            "or first `. .venv/bin/activate`"
        )
    _warn(prog, f"{error}, for {sys.executable}. {advice}")
    return 1


def _warn(prog, problem):
    # What a file says of itself may not control the terminal.
    print(f"{prog}: {without_controls(str(problem))}", file=sys.stderr)
