"""packaging/venv.sh, with a Python that records its calls and installs nothing."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OLDEST, LIMIT = map(int, re.findall(r"3\.(\d+)", PROJECT["requires-python"]))
NEWEST = LIMIT - 1
MINORS = range(OLDEST, LIMIT)

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell"),
]

# Answers questions (-c) as a true Python does; -m venv makes a folder with a copy of
# itself, -m pip fails if there is a file "no-network". All -m are written down.
RECORDER = f"""#!/bin/sh
if [ "$1" = --version ]; then echo "Python 3.x, recording"; exit; fi
if [ "$1" = -c ]; then exec "{sys.executable}" "$@"; fi
echo "$*" >>calls
if [ "$2" = venv ]; then
    rm -rf "$4"; mkdir -p "$4/bin"; touch "$4/pyvenv.cfg"; cp "$0" "$4/bin/python"
elif [ -e no-network ]; then
    echo "ERROR: no such host"; exit 1
else
    echo "  Downloading numpy-2.5.5-cp313-x86_64.whl (15.7 MB)"
fi
"""


def executable(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


class Checkout:
    """A copy of the files that the script looks at, in a folder with a space."""

    def __init__(self, folder):
        self.folder = folder / "a checkout"
        shutil.copytree(ROOT / "packaging", self.folder / "packaging")
        for path in [ROOT / "setup.py", *ROOT.glob("requirements*.txt")]:
            shutil.copy(path, self.folder)
        shutil.copy(ROOT / "pyproject.toml", self.folder)
        self.python = executable(folder / "bin" / "recorder", RECORDER)
        self.venv = self.folder / ".venv"

    def set_up(self, *arguments, **variables):
        """Run the script; return the finished process and the calls it made."""
        (self.folder / "calls").unlink(missing_ok=True)
        done = subprocess.run(
            ["sh", self.folder / "packaging" / "venv.sh", *arguments],
            env={"PATH": os.environ["PATH"], "PYTHON": str(self.python), **variables},
            capture_output=True,
            text=True,
            cwd="/",
        )
        calls = self.folder / "calls"
        return done, calls.read_text().splitlines() if calls.exists() else []


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def verbs(calls):
    return [" ".join(call.split()[1:3]) for call in calls]


ANEW = ["venv --clear", "pip install", "pip install"]
UPDATED = ["pip install", "pip install"]


def test_sets_up_once(checkout):
    done, calls = checkout.set_up()
    assert done.returncode == 0, done.stderr
    assert verbs(calls) == ANEW
    assert calls[-1].endswith(
        "-r requirements.txt -r requirements-demo.txt -r requirements-onnx.txt "
        "-r requirements-photos.txt -r requirements-test.txt"
    )
    assert "    numpy 2.5.5, 15.7 MB\n" in done.stderr
    done, calls = checkout.set_up()
    assert (done.returncode, done.stderr, calls) == (0, "", [])


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "requirements-demo.txt",
        "requirements-onnx.txt",
        "requirements-photos.txt",
        "requirements-test.txt",
        "packaging/theano/pyproject.toml",
    ],
)
def test_changed_requirements_are_brought_up_to_date_in_place(checkout, name):
    checkout.set_up()
    with open(checkout.folder / name, "a", encoding="utf-8") as file:
        file.write("# a change\n")
    done, calls = checkout.set_up()
    assert done.returncode == 0
    assert verbs(calls) == UPDATED
    assert checkout.set_up()[1] == []


def test_a_moved_checkout_is_brought_up_to_date(checkout):
    checkout.set_up()
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("elsewhere"))
    assert verbs(checkout.set_up()[1]) == UPDATED


def test_failure_is_shown_and_the_next_run_begins_anew(checkout):
    obstacle = checkout.folder / "no-network"
    obstacle.touch()
    done, calls = checkout.set_up()
    assert done.returncode == 1
    assert verbs(calls) == ANEW[:2]
    assert "ERROR: no such host\nError: pip did not succeed" in done.stderr
    obstacle.unlink()
    done, calls = checkout.set_up()
    assert done.returncode == 0
    assert verbs(calls) == ANEW


def test_failed_update_is_not_taken_for_complete(checkout):
    checkout.set_up()
    (checkout.folder / "setup.py").write_text("# a change\n")
    obstacle = checkout.folder / "no-network"
    obstacle.touch()
    assert checkout.set_up()[0].returncode == 1
    obstacle.unlink()
    assert verbs(checkout.set_up()[1]) == ANEW


def test_another_python_replaces_the_environment(checkout, tmp_path):
    checkout.set_up()
    other = RECORDER.replace('exec "', 'echo "3.12 of another"; exec "')
    done, calls = checkout.set_up(PYTHON=str(executable(tmp_path / "other", other)))
    assert done.returncode == 0
    assert verbs(calls) == ANEW


def test_a_folder_that_is_no_environment_is_left_alone(checkout):
    precious = checkout.folder / "photos" / "1.png"
    precious.parent.mkdir()
    precious.touch()
    done, calls = checkout.set_up("photos")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "Error: photos is there and is no virtual environment"
    )
    assert precious.exists()
    assert calls == []


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("exit 1", f"is no Python 3.{OLDEST} to 3.{NEWEST} that runs"),
        (
            'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.12; esac',
            "environment. On Debian and Ubuntu: apt install python3.12-venv. ",
        ),
    ],
    ids=["of another version", "without ensurepip"],
)
def test_unsuitable_python_named(checkout, tmp_path, script, complaint):
    python = executable(tmp_path / "unsuitable", f"#!/bin/sh\n{script}\n")
    done, _ = checkout.set_up(PYTHON=str(python))
    assert done.returncode == 1
    (message,) = done.stderr.splitlines()
    assert message.startswith("Error: ")
    assert str(python) in message
    assert complaint in message
    assert not checkout.venv.exists()


def test_looks_for_a_python_that_runs(checkout, tmp_path):
    """The newest comes first, and one that does not run, as a shim, is passed over."""
    folder = tmp_path / "path"
    for minor in MINORS:
        script = RECORDER if minor in (OLDEST, NEWEST - 1) else "#!/bin/sh\nexit 127\n"
        executable(folder / f"python3.{minor}", script)
    path = f"{folder}:{os.environ['PATH']}"
    done, calls = checkout.set_up(PYTHON="", PATH=path)
    assert done.returncode == 0
    assert f"(python3.{NEWEST - 1})" in done.stderr
    assert verbs(calls) == ANEW


@pytest.mark.parametrize("other", ["", " (which is Python 3.8.2)"])
def test_no_python_at_all(checkout, tmp_path, other):
    folder = tmp_path / "path"
    names = [*(f"python3.{minor}" for minor in reversed(MINORS)), "python3"]
    for name in names:
        executable(folder / name, "#!/bin/sh\nexit 127\n")
    if other:
        script = "#!/bin/sh\n[ $1 = --version ] && echo Python 3.8.2\n"
        executable(folder / "python3", script)
    done, _ = checkout.set_up(PYTHON="", PATH=f"{folder}:{os.environ['PATH']}")
    assert done.returncode == 1
    (message,) = done.stderr.splitlines()
    assert message.startswith(
        f"Error: kfkd needs Python 3.{OLDEST} to 3.{NEWEST}, and none runs as "
        f"{' '.join(names)}{other}. Install Python 3.{NEWEST}, "
    )
    assert "make PYTHON=" in message
