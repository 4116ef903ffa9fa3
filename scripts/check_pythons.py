"""Run the tests on each Python that kfkd supports and print a table of what passed."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHOWN = ("numpy", "scipy", "pandas", "scikit-learn", "jax")

# Asked of a Python in its environment: its own version and those of the packages.
ASK_VERSIONS = """
import platform, sys
from importlib.metadata import version
print(platform.python_version(), *map(version, sys.argv[1:]))
"""


def supported():
    """Return the Pythons that pyproject.toml allows, as ("3.11", "3.12", ...)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    limits = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"])
    return tuple(f"3.{minor}" for minor in range(*map(int, limits.groups())))


SUPPORTED = supported()


def ask(python, *arguments):
    """Return the words that a Python prints, or None if it does not run."""
    try:
        done = subprocess.run(
            [python, *arguments], capture_output=True, text=True, check=True, cwd="/"
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.split()


def find_python(version):
    """Return the path of a Python of this version ("3.12"), or None.

    Looked for on the PATH and among pyenv's versions, newest first. One that does not
    run is passed over, as pyenv's shims don't for versions that are not switched on.
    """
    name = f"python{version}"
    folders = os.environ.get("PATH", "").split(os.pathsep)
    candidates = [Path(folder, name) for folder in folders if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv"))
    candidates += sorted(
        pyenv.glob(f"versions/{version}.*/bin/{name}"),
        key=lambda path: [int(part) for part in path.parts[-3].split(".")],
        reverse=True,
    )
    question = "import sys, ensurepip; print('%d.%d' % sys.version_info[:2])"
    for candidate in candidates:
        if ask(candidate, "-c", question) == [version]:
            return candidate
    return None


def set_up(python, venv, keep):
    """Make the virtual environment; True if that succeeded."""
    if not keep:
        shutil.rmtree(ROOT / venv, ignore_errors=True)
    done = subprocess.run(
        ["sh", "packaging/venv.sh", venv],
        cwd=ROOT,
        env={**os.environ, "PYTHON": str(python)},
    )
    return done.returncode == 0


def run_tests(python, pytest_arguments):
    """Run the tests; return (passed, failed, skipped) and pytest's exit status."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        done = subprocess.run(
            [python, "-m", "pytest", "-q", f"--junitxml={report}", *pytest_arguments],
            cwd=ROOT,
        )
        if not report.exists():  # pytest itself went down
            return ("-", "-", "-"), done.returncode
        suite = ElementTree.parse(report).find("testsuite").attrib
    failed = int(suite["failures"]) + int(suite["errors"])
    skipped = int(suite["skipped"])
    passed = int(suite["tests"]) - failed - skipped
    return (passed, failed, skipped), done.returncode


def check(version, keep, pytest_arguments):
    """Check one Python; return its row of the table and whether all passed.

    The second is None where there is no such Python.
    """
    python = find_python(version)
    if python is None:
        return [version, "not found on this machine"], None
    print(f"\n=== Python {version} ({python})", flush=True)
    venv = f".venv-{version}"
    if not set_up(python, venv, keep):
        return [version, "could not be set up, see above"], False
    inside = ROOT / venv / "bin" / "python"
    counts, status = run_tests(inside, pytest_arguments)
    return [*ask(inside, "-c", ASK_VERSIONS, *SHOWN), *map(str, counts)], status == 0


def print_table(header, rows):
    """Print rows in columns; the last cell of a short row runs on to the right."""
    full = [row for row in [header, *rows] if len(row) == len(header)]
    widths = [max(map(len, column)) for column in zip(*full, strict=True)]
    for row in [header, *rows]:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


def main():
    """Check each Python asked for; return the exit status."""
    parser = argparse.ArgumentParser(
        description=f"{__doc__} Each Python found, on the PATH or as one of pyenv's "
        "versions, gets an environment of its own (.venv-3.12) with the newest "
        "packages that requirements.txt allows. The exit status is 0 if all passed.",
    )
    parser.add_argument(
        "versions",
        nargs="*",
        metavar="VERSION",
        help=f"Pythons to check (default: {' '.join(SUPPORTED)})",
    )
    parser.add_argument(
        "--required",
        action="store_true",
        help="count a Python that is not found as a failure (default: pass over it)",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="use an environment of an earlier run (default: make it anew)",
    )
    parser.add_argument(
        "--pytest",
        nargs=argparse.REMAINDER,
        default=[],
        metavar="ARGUMENT",
        help="what follows goes to pytest (default: nothing, so all tests are run)",
    )
    arguments = parser.parse_args()
    for version in arguments.versions:
        if version not in SUPPORTED:
            parser.error(f"{version!r} is none of {', '.join(SUPPORTED)}")

    results = [
        check(version, arguments.keep, arguments.pytest)
        for version in arguments.versions or SUPPORTED
    ]
    print()
    rows = [
        [*row, "yes" if ok else "NO"] if len(row) > 2 else row for row, ok in results
    ]
    print_table(["python", *SHOWN, "passed", "failed", "skipped", "all well"], rows)
    outcomes = [ok for _, ok in results]
    missing_counts = arguments.required or set(outcomes) == {None}
    return int(False in outcomes or (missing_counts and None in outcomes))


if __name__ == "__main__":
    sys.exit(main())
