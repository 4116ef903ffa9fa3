"""Build Theano-PyMC, as published on PyPI, where its own `setup.py` no longer runs.

Theano-PyMC 1.1.2 is on PyPI as source only, and from Python 3.12 on its `setup.py`
fails before it builds anything. What is built here is that source, checked by its
hash and unmodified; only the Python that builds it gets shims of what is missing
(`shims/sitecustomize.py`). pip fetches the source, so that indexes, proxies and
caches set up for pip are used.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Build the wheel and return its file name (the hook of PEP 517)."""
    # What calls this hook says by such variables which backend to load, and where
    # from. The pip started here would take them for its own.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("_PYPROJECT_HOOKS_")
    }
    # All of sys.path is passed on, because our sitecustomize hides the one by which
    # pip lets a build see setuptools.
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(HERE / "shims"), *filter(None, sys.path)]
    )
    with tempfile.TemporaryDirectory() as folder:
        options = ["--no-deps", "--no-build-isolation", "--wheel-dir", folder]
        source = ["--requirement", str(HERE / "published.txt")]
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", *options, *source],
            env=environment,
            check=True,
        )
        (wheel,) = Path(folder).glob("*.whl")
        shutil.move(wheel, wheel_directory)
    return wheel.name
