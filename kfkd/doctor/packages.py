"""Python, and the packages that are installed beside those that are expected."""

import platform
import re
import runpy
import sys
from importlib import metadata
from pathlib import Path

import kfkd
from kfkd._import_hook import namesakes
from kfkd.doctor.finding import Finding
from kfkd.messages import count
from kfkd.process.installation import STACK, is_checkout

__all__ = ["find_namesakes", "find_packages", "find_python", "version"]

_PYTHONS = ((3, 11), (3, 15))  # the oldest and the newest that pyproject.toml allows
_INSTALL = "python -m pip install"
_SHOWN = ("numpy", "scipy", "pandas", "scikit-learn", "jax", "jaxlib")


def version(name):
    """Return the version of an installed package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def find_python():
    """Return the finding on Python."""
    text = f"{platform.python_version()} on {platform.platform()}, {sys.executable}"
    if _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1]:
        return Finding("Python", text)
    first, last = (".".join(map(str, pair)) for pair in _PYTHONS)
    make = f": `make venv PYTHON=/path/to/python{last}`" if is_checkout() else ""
    return Finding("Python", text, f"Use Python {first} to {last}{make}")


def find_packages():
    """Yield the findings on the three old packages, and on those below them."""
    problem = fix = ""
    try:
        # Run by its path: importing it would import the stack with it.
        path = Path(__file__).parents[1] / "stack" / "versions.py"
        runpy.run_path(str(path))["check_installed"]()
    except ImportError as error:
        problem, _, fix = str(error).partition(". ")
    sound = [
        name
        for name, expected in STACK.items()
        if version(name) == expected and name not in problem
    ]
    if sound:
        yield Finding("stack", _versions(sound))
    if problem:
        yield Finding("stack", problem, fix)
    required = _required()
    wrong = [*_find_wrong(required)]
    subjects = {finding.subject for finding in wrong}
    shown = [name for name in _SHOWN if name not in subjects and version(name)]
    if shown:
        others = count(len(required.keys() - {*_SHOWN, *subjects}), "other")
        yield Finding("packages", f"{_versions(shown)}, and {others}")
    yield from wrong


def find_namesakes():
    """Yield the finding on files of the current folder that hide a package."""
    here, own = Path.cwd(), Path(kfkd.__file__).parent
    found = [file for package, file in namesakes(here) if here / package != own]
    if found:
        yield Finding(
            "folder",
            f"Python takes {' and '.join(found)} in this folder for the package: "
            "scripts here, and `python -m kfkd`, go wrong",
            "Rename it, or start scripts with `kfkd run SCRIPT`",
        )


def _find_wrong(required):
    """Yield the findings on packages that are missing or of another version."""
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        SpecifierSet = None
        text = "versions cannot be compared without packaging, which is not installed"
        yield Finding("packaging", text, f"`{_INSTALL} packaging`")
    for name, bounds in required.items():
        found, text = version(name), ""
        if found is None:
            text = f"kfkd needs {name}, which is not installed"
        elif SpecifierSet and found not in SpecifierSet(bounds, prereleases=True):
            text = f"{found} is installed, but kfkd needs {name} {bounds}"
        if text:
            yield Finding(name, text, f'`{_INSTALL} "{name}{bounds}"`')


def _versions(names):
    """Return names with their versions, to be broken between the packages only."""
    return ", ".join(f"{name}\u00a0{version(name)}" for name in names)


def _required():
    """Return what kfkd and JAX require: bounds by name, such as "<2.6,>=2.4".

    Left out are the stack, which has a finding of its own, the empty distribution
    Theano, and what has a marker, as requirements of extras do.
    """
    required = {}
    for name in ("kfkd", "jax"):
        for line in metadata.requires(name) or [] if version(name) else []:
            found = re.fullmatch(r"([\w.-]+)\s*([<>=!~][^@;]*)?", line)
            if found and found[1] not in (*STACK, "theano"):
                required.setdefault(found[1], (found[2] or "").replace(" ", ""))
    return required
