"""The command ``kfkd``, and ``python -m kfkd``."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import kfkd
from kfkd import choices, nets, plots, reproduction, specialists, storage, xla
from kfkd.__main__ import ALIASES, COMMANDS, main
from kfkd.specialists.settings import name_of

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run(capsys):
    """Run it with arguments; return its status and its two outputs."""

    def run(*arguments):
        try:
            status = main(list(arguments))
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return run


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_it_says_how_to_use_it(run, arguments):
    status, out, _ = run(*arguments)
    assert status == 0
    for name in (*COMMANDS, *ALIASES):
        assert re.search(rf"^ *{name} ", out, re.MULTILINE)


def test_its_version(run):
    assert run("--version") == (0, f"kfkd {kfkd.__version__}\n", "")


@pytest.mark.parametrize(
    ("name", "hint"), [("fly", ""), ("trian", "; did you mean 'train'?")]
)
def test_an_unknown_command(run, name, hint):
    status, out, err = run(name)
    assert (status, out) == (2, "")
    assert err.startswith(f"kfkd: there is no command {name!r}{hint}\n")


@pytest.mark.process
def test_python_m_kfkd_is_the_same():
    done = subprocess.run(
        [sys.executable, "-m", "kfkd", "plot", "weights", "no.pickle"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("kfkd plot: no.pickle cannot be read: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_its_name_in_its_help(run, name):
    status, out, _ = run(name, "--help")
    assert status == 0
    assert out.startswith(f"usage: kfkd {name} ")


@pytest.mark.parametrize("verb", ALIASES)
def test_the_tutorials_verbs_work(run, verb):
    _, out, _ = run(verb, "--help")
    assert out == run(*ALIASES[verb], "--help")[1]
    assert out.startswith("usage: kfkd ")


def test_each_script_is_a_command():
    called = [
        name
        for path in (ROOT / "scripts").glob("*.py")
        for name in re.findall(r'^    run\("(\w+)"\)$', path.read_text(), re.MULTILINE)
    ]
    modules = {path.stem for path in (ROOT / "kfkd" / "cli").glob("[a-z]*.py")}
    assert sorted(called) == sorted(modules - {"doctor", "options"})


def test_choices_are_those_of_the_modules():
    assert choices.NETS == nets.NETS == tuple(nets._DEFINITIONS)
    columns = [setting["columns"] for setting in specialists.SPECIALIST_SETTINGS]
    assert tuple(map(name_of, columns)) == choices.SPECIALISTS
    assert choices.NET_FORMATS is storage.FORMATS
    assert choices.PICTURE_FORMATS is plots.FORMATS
    assert choices.PRECISIONS is xla.PRECISIONS
    assert reproduction.Settings().nets == choices.REPRODUCED
