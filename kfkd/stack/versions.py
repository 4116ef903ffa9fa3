"""Check that the three packages are installed as they were published."""

import importlib.metadata
import importlib.util
import os
import pathlib
import sys

from kfkd.errors import StackError
from kfkd.process.installation import STACK, install, reinstall

__all__ = ["VERSIONS", "check_installed"]

VERSIONS = STACK


def check_installed():
    """Raise StackError if a package is missing, of another version, or overwritten.

    So it does where Python leaves docstrings out: Theano adds to those of its classes.
    """
    if sys.flags.optimize > 1:
        raise StackError(
            "Theano needs docstrings, which this Python leaves out. "
            "Run it without -OO, and with PYTHONOPTIMIZE unset"
        )
    for name, version in VERSIONS.items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            raise StackError(
                f"kfkd needs {name} {version}, which is not installed. "
                f"Install it with: {install()}"
            ) from None
        if found != version:
            raise StackError(
                f"kfkd needs {name} {version}, but {found} is installed. "
                f"Fix it with: {reinstall(stack=True)}"
            )
        _check_place(name)
    # Theano and Theano-PyMC both install the folder theano; each writes its version
    # into a file of another name.
    spec = importlib.util.find_spec("theano")
    folder = pathlib.Path(spec.origin).parent if spec and spec.origin else None
    if folder is None or not (folder / "_version.py").exists():
        problem = "its folder theano/ is missing or incomplete"
    elif (folder / "generated_version.py").exists():
        problem = f"the distribution Theano has been installed over it, in {folder}"
    else:
        return
    raise StackError(
        f"theano-pymc {STACK['theano-pymc']} is installed, but {problem}. Fix it with: "
        + reinstall(stack=True, before="python -m pip uninstall -y Theano theano-pymc")
    )


def _check_place(name):
    """Raise StackError if another file would be imported in place of a package."""
    package = name.partition("-")[0]
    installed = importlib.metadata.distribution(name).locate_file(package)
    spec = importlib.util.find_spec(package)
    found = spec and spec.origin
    if not found or not os.path.isdir(installed):
        return
    if not os.path.samefile(os.path.dirname(found), installed):
        raise StackError(
            f"{found} has the name of the package {package}, and would be imported in "
            "its place. Rename it, or start scripts beside it with `kfkd run SCRIPT`"
        )
