"""Python, and the packages that are installed beside those that are expected."""

import platform
import re
import runpy
import sys
from importlib import metadata
from pathlib import Path

import kfkd
from kfkd._import_hook import PACKAGES
from kfkd.doctor.finding import Finding
from kfkd.messages import count
from kfkd.process.installation import is_checkout

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
    first, last = (".".join(map(str, pair)) for pair in _PYTHONS)
    if _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1]:
        return Finding("Python", text)
    mend = f"Use Python {first} to {last}"
    if is_checkout():
        mend += f": `make venv PYTHON=/path/to/python{last}`"
    return Finding("Python", text, mend)


def find_packages():
    """Return the findings on the three old packages, and on those below them."""
    # Not imported, as the stack would be with it.
    path = Path(__file__).parent.parent / "stack" / "versions.py"
    stack = runpy.run_path(str(path))
    problem = ""
    try:
        stack["check_installed"]()
    except ImportError as error:
        problem, _, mend = str(error).partition(". ")
    sound = [
        name
        for name, number in stack["VERSIONS"].items()
        if version(name) == number and name not in problem
    ]
    if sound:
        yield Finding("stack", _listed(sound))
    if problem:
        yield Finding("stack", problem, mend)
    # Theano's stand-in holds nothing, and the real Theano is reported with the stack.
    wanted = _wanted(exclude={*stack["VERSIONS"], "theano"})
    wrong = {found.subject: found for found in _find_wrong(wanted)}
    shown = [name for name in _SHOWN if name not in wrong and version(name)]
    others = len(wanted.keys() - {*_SHOWN, *wrong})
    if shown:
        text = f"{_listed(shown)}, and {count(others, 'other')}"
        yield Finding("packages", text)
    yield from wrong.values()


def find_namesakes():
    """Yield the finding on files of the current folder that hide a package."""
    here, own = Path.cwd(), Path(kfkd.__file__).parent
    names = [name for name in ("kfkd", *PACKAGES) if here / name != own]
    files = [file for name in names for file in (f"{name}.py", f"{name}/__init__.py")]
    found = [file for file in files if (here / file).exists()]
    if found:
        yield Finding(
            "folder",
            f"Python takes {' and '.join(found)} in this folder for the package: "
            "scripts here, and `python -m kfkd`, go wrong",
            "Rename it, or start scripts with `kfkd run SCRIPT`",
        )


def _find_wrong(wanted):
    """Yield the findings on packages that are missing or of another version."""
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        SpecifierSet = None
        text = "versions cannot be compared without packaging, which is not installed"
        yield Finding("packaging", text, f"`{_INSTALL} packaging`")
    for name, bounds in wanted.items():
        found = version(name)
        if found is None:
            text = f"kfkd needs {name}, which is not installed"
        elif SpecifierSet and not SpecifierSet(bounds).contains(
            found, prereleases=True
        ):
            text = f"{found} is installed, but kfkd needs {name} {bounds}"
        else:
            continue
        yield Finding(name, text, f'`{_INSTALL} "{name}{bounds}"`')


def _listed(names):
    # With a space at which lines are not broken.
    return ", ".join(f"{name}\u00a0{version(name)}" for name in names)


def _wanted(exclude):
    """Return what kfkd and JAX declare to need: bounds by name, as "<2.6,>=2.4"."""
    wanted = {}
    for name in ("kfkd", "jax"):
        lines = metadata.requires(name) or [] if version(name) else []
        for line in lines:
            requirement, _, marker = line.partition(";")
            found = re.fullmatch(r"([\w.-]+)\s*([<>=!~][^@]*)?", requirement.strip())
            # Neither what is needed at times, as by an extra, nor the folders of ours.
            if found and not marker and found[1] not in exclude:
                wanted.setdefault(found[1], (found[2] or "").replace(" ", ""))
    return wanted
