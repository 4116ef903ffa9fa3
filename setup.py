"""What kfkd is as a distribution; its dependencies are read from requirements*.txt."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent


def requirements(name):
    """Return the requirements in a file of ours, as a distribution's metadata has them.

    A folder of ours, `./packaging/theano`, becomes `theano @ file:///...`, so that
    `pip install .` works as `pip install -r requirements.txt` does.
    """
    found = []
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("./"):
            folder = HERE / line
            found.append(f"{folder.name} @ {folder.as_uri()}")
        elif line and not line.startswith("-"):
            found.append(line)
    return found


setup(
    version="0.1.0",
    description="The tutorial on facial keypoints by convolutional nets, live again",
    packages=find_packages(include=["kfkd", "kfkd.*"]),
    package_data={"kfkd": ["report/page.html", "report/page.md"]},
    install_requires=requirements("requirements.txt"),
    extras_require={
        "cuda": requirements("requirements-cuda.txt"),
        "test": requirements("requirements-test.txt"),
    },
)
