"""What kfkd requires, read from requirements*.txt; all else is in pyproject.toml.

Two of the requirements are folders of the checkout (packaging/theano*). Installed from
a checkout, kfkd requires the folders themselves, so that `pip install .` suffices. An
sdist, and the wheel that is built from one, requires them by name and version alone.
"""

import sys
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).resolve().parent
RELEASE = "sdist" in sys.argv or (HERE / "PKG-INFO").exists()  # which sdists hold


def requirements(name):
    """Return the requirements in a file as a distribution's metadata has them."""
    found = []
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("./") and not RELEASE:
            folder = HERE / line
            found.append(f"{folder.name} @ {folder.as_uri()}")
        elif line[:1].isalnum():
            found.append(line)
    return found


setup(
    install_requires=requirements("requirements.txt"),
    extras_require={
        "cuda": requirements("requirements-cuda.txt"),
        "demo": requirements("requirements-photos.txt")
        + requirements("requirements-demo.txt"),
        "onnx": requirements("requirements-onnx.txt"),
        "photos": requirements("requirements-photos.txt"),
        "test": requirements("requirements-test.txt"),
    },
)
