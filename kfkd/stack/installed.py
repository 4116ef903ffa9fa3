"""What is installed: the three packages, as they were published."""

import importlib.metadata
import importlib.util
import pathlib

from kfkd.errors import StackError

__all__ = ["VERSIONS", "check_installed"]

VERSIONS = {"theano-pymc": "1.1.2", "lasagne": "0.1", "nolearn": "0.6.1"}
_MEND = "python -m pip install --force-reinstall --no-deps -r requirements.txt"


def check_installed():
    """Raise StackError if a package is missing, of another version, or Theano's."""
    for name, version in VERSIONS.items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            raise StackError(
                f"kfkd needs {name} {version}, which is not installed. "
                "Install it with: python -m pip install -r requirements.txt"
            ) from None
        if found != version:
            raise StackError(
                f"kfkd needs {name} {version}, but {found} is installed. "
                f"Mend it with: {_MEND}"
            )
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
        f"theano-pymc 1.1.2 is installed, but {problem}. Mend it with: "
        f"python -m pip uninstall -y Theano theano-pymc && {_MEND}"
    )
