"""``python -m kfkd.stack script.py``, beside ``python script.py``."""

import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from kfkd.stack import scripts
from kfkd.stack.__main__ import main
from tests.helpers.cases import parametrize

ROOT = Path(__file__).resolve().parents[2]

# Prints how it was started, and ends as its arguments say.
CURIOUS = """
import sys
names = ["__name__", "__file__", "__package__", "__doc__", "__cached__"]
print(sys.argv, sys.path, [globals().get(name, "none") for name in names])
print(sys.modules["__main__"].__dict__ is globals())
print(__spec__ and __spec__.name, type(__loader__))
def fail():
    raise ValueError("as told")
if "fail" in sys.argv:
    try:
        fail()
    except ValueError:
        [].pop()
if "interrupt" in sys.argv:
    raise KeyboardInterrupt
if "hook" in sys.argv:
    sys.excepthook = lambda *args: print(args[0], args[2].tb_lineno)
    fail()
if "exit" in sys.argv:
    sys.exit("to standard error")
"""

OLD = """
import multiprocessing
import sys
import theano
import theano.tensor as T
import lasagne, nolearn.lasagne

def square(number):
    x = T.fscalar()
    return theano.function([x], x ** 2)(number).item()

def squares(number):
    # A daemon may have no children, but for one of another kind.
    multiprocessing.current_process()._config["daemon"] = False
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return square(number), pool.apply(square, [number + 1])

if __name__ == "__main__":
    print(theano.config.mode, square(2))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(*pool.apply(squares, [3]))
"""


@pytest.fixture
def python(tmp_path):
    """Run Python with arguments, in a folder; return status, output and errors."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name in ("THEANO_FLAGS", "THEANORC", "KFKD_DEVICE"):
        environment.pop(name, None)

    def python(*arguments, **settings):
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=tmp_path,
            env=environment | settings,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout, done.stderr

    return python


def as_script(folder):
    (folder / "there").mkdir()
    (folder / "there" / "curious.py").write_text(CURIOUS)
    (folder / "link.py").symlink_to(Path("there", "curious.py"))
    return ["link.py"]


def as_zip_file(folder):
    with zipfile.ZipFile(folder / "curious.zip", "w") as file:
        file.writestr("__main__.py", CURIOUS)
    return [folder / "curious.zip"]


def as_module(folder):
    (folder / "package").mkdir()
    (folder / "package" / "curious.py").write_text(CURIOUS)
    return ["-m", "package.curious"]


def as_code(folder):
    return ["-c", CURIOUS]


def as_indented_code(folder):
    return ["-c", textwrap.indent(CURIOUS, "    ")]


@pytest.fixture
def kfkd_run(tmp_path):
    """The arguments to Python that are the command `kfkd run`, in its own folder."""
    (tmp_path / "bin").mkdir()
    file = tmp_path / "bin" / "kfkd"
    file.write_text("import sys; from kfkd.__main__ import main; sys.exit(main())")
    return [file, "run"]


@pytest.mark.process
@parametrize(
    ("form", "arguments"),
    [
        (as_script, ["fail", "-m", "--help"]),
        (as_script, ["hook"]),
        (as_code, ["interrupt"]),
        (as_code, ["fail"]),
        (as_indented_code, ["hook"]),
        (as_zip_file, ["exit"]),
        (as_module, ["exit", "-c"]),
    ],
    fast=1,
)
@pytest.mark.parametrize("way", ["python -m kfkd.stack", "kfkd run"])
def test_all_is_as_by_python_alone(python, kfkd_run, tmp_path, way, form, arguments):
    command = [*form(tmp_path), *arguments]
    theirs = python(*command)
    assert theirs[0] != 0 or arguments == ["hook"]
    ours = kfkd_run if way == "kfkd run" else ["-m", "kfkd.stack"]
    assert python(*ours, *command) == theirs


@pytest.mark.process
@pytest.mark.slow
def test_the_three_packages_work_in_all_its_processes(python, tmp_path):
    (tmp_path / "old.py").write_text(OLD)
    assert python("-m", "kfkd.stack", "old.py") == (0, "xla 4.0\n9.0 16.0\n", "")


@pytest.mark.process
@parametrize(
    ("name", "code", "expected"),
    [
        ("kfkd.py", "import lasagne; print(lasagne.__version__)", "0.1\n"),
        ("kfkd.py", OLD, "xla 4.0\n9.0 16.0\n"),
        ("theano.py", OLD, "xla 4.0\n9.0 16.0\n"),
        ("lasagne.py", OLD, "xla 4.0\n9.0 16.0\n"),
    ],
    fast=1,
)
def test_a_script_may_have_the_name_of_a_package(
    python, kfkd_run, tmp_path, name, code, expected
):
    # Processes that it starts import it, too.
    (tmp_path / name).write_text(f"import kfkd.errors\n{code}")
    assert python(*kfkd_run, name) == (0, expected, "")


def test_files_beside_the_script_that_cannot_be_imported(tmp_path, capsys):
    def told(script, source):
        scripts._warn_of_namesakes(str(tmp_path / script), source)
        out, err = capsys.readouterr()
        assert not out
        return err

    (tmp_path / "lasagne").mkdir()
    for name in ("kfkd.py", "main.py", "lasagne/__init__.py"):
        (tmp_path / name).touch()
    text = told("main.py", b"if 1:\n    from kfkd import load")
    assert text.startswith(f"{tmp_path / 'main.py'}: `import kfkd` means the ")
    assert f"not {tmp_path / 'kfkd.py'}; if that is meant" in text
    text = told("main.py", b"import os, lasagne.layers as l")
    assert f"not {tmp_path / 'lasagne' / '__init__.py'}; if" in text
    assert told("kfkd.py", b"import kfkd") == ""
    assert told("main.py", b"from . import kfkd") == ""
    assert told("main.py", b"import theano, kfkd_tools") == ""
    assert told("main.py", b"print 'import kfkd'") == ""


def test_this_package_is_no_file_that_cannot_be_imported(capsys):
    scripts._warn_of_namesakes(str(ROOT / "setup.py"), b"import kfkd")
    assert capsys.readouterr().err == ""


@pytest.mark.process
def test_a_file_that_is_not_there(python, monkeypatch, capsys):
    _, _, theirs = python("missing.py")
    monkeypatch.setattr(sys, "argv", ["kfkd.stack", "missing.py"])
    with pytest.raises(SystemExit) as exit:
        main()
    out, err = capsys.readouterr()
    assert (exit.value.code, out) == (2, "")
    assert err.split("'")[0] == theirs.split("'")[0]  # "python: can't open file "
    assert "[Errno 2] No such file or directory" in err


@pytest.mark.process
def test_a_folder_without_a_program(python, monkeypatch, capsys, tmp_path):
    status, _, theirs = python(str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["kfkd.stack", str(tmp_path)])
    with pytest.raises(SystemExit) as exit:
        main()
    assert (exit.value.code, capsys.readouterr()) == (status, ("", theirs))


@pytest.mark.process
def test_what_keeps_the_packages_from_their_import_is_said_in_a_line(python, kfkd_run):
    flags = {"THEANORC": "", "THEANO_FLAGS": "floatX=float17"}
    status, out, err = python(*kfkd_run, "-c", "print('run')", **flags)
    assert (status, out) == (1, "")
    assert err.startswith("kfkd run: Theano does not take its settings: ")
    assert err.endswith(". Change floatX=float17 in THEANO_FLAGS\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["-m"], ["-c"], ["--unknown", "script.py"]])
def test_it_says_how_to_use_it(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "argv", ["kfkd.stack", *arguments])
    assert main() == 2
    out, err = capsys.readouterr()
    assert not out
    assert "python -m kfkd.stack SCRIPT" in err


def test_help_is_no_error(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["kfkd.stack", "--help"])
    assert main() == 0
    assert "python -m kfkd.stack SCRIPT" in capsys.readouterr().out


FLOATS = """
import multiprocessing
import numpy as np
import theano
import theano.tensor as T

def run():
    x = T.matrix()
    return theano.function([x], x * 2)(np.ones((1, 1)){cast}).dtype.name

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(run(), pool.apply(run))
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("cast", "flags", "printed"),
    [
        ("", {}, "float64 float64"),
        (".astype(np.float32)", {}, "float32 float32"),
        ("", {"THEANO_FLAGS": "on_unused_input=warn"}, "float64 float64"),
    ],
)
def test_a_script_that_knows_no_dtypes_gets_theanos_default(
    tmp_path, cast, flags, printed
):
    script = tmp_path / "script.py"
    script.write_text(FLOATS.format(cast=cast))
    own = {k: v for k, v in os.environ.items() if not k.startswith("THEANO")}
    done = subprocess.run(
        [sys.executable, "-m", "kfkd", "run", str(script)],
        env=own | {"PYTHONPATH": str(ROOT)} | flags,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == printed, done.stderr


@pytest.mark.process
def test_a_script_that_gets_float64_where_the_user_wants_float32(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(FLOATS.format(cast=""))
    own = {k: v for k, v in os.environ.items() if not k.startswith("THEANO")}
    done = subprocess.run(
        [sys.executable, "-m", "kfkd", "run", str(script)],
        env=own | {"PYTHONPATH": str(ROOT), "THEANO_FLAGS": "floatX=float32"},
        capture_output=True,
        text=True,
    )
    assert done.returncode
    assert "THEANO_FLAGS=floatX=float64" in done.stderr
