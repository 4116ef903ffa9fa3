"""Commands that install or repair kfkd, from a checkout or from a wheel.

Python alone is needed here, as for the doctor.
"""

import shlex
from pathlib import Path

__all__ = ["STACK", "install", "is_checkout", "reinstall"]

# The three packages below kfkd, as they were published.
STACK = {"theano-pymc": "1.1.2", "lasagne": "0.1", "nolearn": "0.6.1"}

_ROOT = Path(__file__).resolve().parents[2]
_PIP = "python -m pip install"
# A wheel's requirements are on PyPI, but for the stand-ins that are released with it.
_FOLDER = "--find-links FOLDER`, where FOLDER is the folder or page with kfkd's wheel"


def is_checkout():
    """Return whether this package is in a checkout, beside its requirements.txt."""
    return (_ROOT / "requirements.txt").is_file()


def install(*, extra=""):
    """Return how to install what is missing, in backticks; of an extra or of kfkd."""
    if is_checkout():
        return f"`{_there()}{_PIP} -r requirements{extra and f'-{extra}'}.txt`"
    return f'`{_PIP} "kfkd[{extra}]"`' if extra else f"`{_PIP} kfkd {_FOLDER}"


def reinstall(*, stack=False, before=""):
    """Return how to reinstall everything, or only the three packages of the stack.

    `before` is a command that has to come first.
    """
    options = "--force-reinstall" + " --no-deps" * stack
    before = f"{before} && " if before else ""
    if is_checkout():
        return f"`{_there()}{before}{_PIP} {options} -r requirements.txt`"
    names = " ".join(f"{name}=={v}" for name, v in STACK.items()) if stack else "kfkd"
    return f"`{before}{_PIP} {options} {names} {_FOLDER}"


def _there():
    """Return the command that goes to the checkout; "" there."""
    return "" if Path.cwd() == _ROOT else f"cd {shlex.quote(str(_ROOT))} && "
