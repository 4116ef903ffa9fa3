"""The command ``kfkd``, and ``python -m kfkd``."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import kfkd
from kfkd import choices, nets, plots, reproduction, specialists, storage, xla
from kfkd.__main__ import ALIASES, COMMANDS, main
from kfkd.files import arrays
from kfkd.specialists.settings import name_of
from tests.helpers import small_faces

ROOT = Path(__file__).resolve().parents[2]


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


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_it_says_how_to_use_it(run, arguments):
    status, out, _ = run(*arguments)
    assert status == 0
    for name in (*COMMANDS, *ALIASES):
        assert re.search(rf"^ *{name} ", out, re.MULTILINE)


def test_help_of_a_command(run):
    assert run("help", "train") == run("train", "--help")
    assert run("help", "fly")[0] == 2


def test_its_version(run):
    assert run("--version") == (0, f"kfkd {kfkd.__version__}\n", "")


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("trian net2 --epochs 3", "train net2 --epochs 3"),
        ("TRAIN net2", "train net2"),
        ("fit_specialist", "fit_specialists"),
        ("net1", "train net1"),
        ("Net12 --resume", "train net12 --resume"),
        ("net1 train --epochs 3", "train net1 --epochs 3"),
        ("net6.pickle me.jpg", "predict net6.pickle me.jpg"),
        ("me.jpg predict 'a net.npz'", "predict me.jpg 'a net.npz'"),
        ("--device cpu train", "train --device cpu"),
        ("learning-curve net1.pickle", "plot learning-curves net1.pickle"),
        ("comparision", "plot comparison"),
    ],
)
def test_what_may_be_meant_by_an_unknown_command(run, line, meant):
    words = shlex.split(line)
    assert run(*words) == (
        2,
        "",
        f"kfkd: there is no command {words[0]!r}; did you mean: kfkd {meant}\n",
    )


def test_an_unknown_command(run):
    status, out, err = run("fly")
    assert (status, out) == (2, "")
    assert err.startswith("kfkd: there is no command 'fly'\n\nusage: kfkd COMMAND ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "train net1 --dvice cpu",
            "kfkd train: error: there is no option --dvice (did you mean '--device'?)",
        ),
        (
            "train --epoch_scale=2 cpu",
            "kfkd train: error: there is no option --epoch_scale (did you mean "
            "'--epochs'?)",
        ),
        (
            "predict net.pickle me.jpg -plot a.png",
            "kfkd predict: error: there is no option -plot (did you mean '--plot'?)",
        ),
        (
            "train Net1",
            "kfkd train: error: argument NET: 'Net1' is not one of "
            f"{', '.join(choices.NETS)} (did you mean 'net1'?)",
        ),
        (
            "train net2.pickle",
            "kfkd train: error: argument NET: 'net2.pickle' is not one of "
            f"{', '.join(choices.NETS)} (did you mean 'net2'?)",
        ),
        (
            "train 2014",  # which is far from all
            "kfkd train: error: argument NET: '2014' is not one of "
            f"{', '.join(choices.NETS)}",
        ),
        (
            "doctor --hlep",
            "kfkd doctor: error: there is no option --hlep (did you mean '--help'?)",
        ),
        (
            "train net1 --precision float23",
            "kfkd train: error: argument --precision: 'float23' is not one of "
            f"{', '.join(choices.PRECISIONS)} (did you mean 'float32'?)",
        ),
        (
            "plot comparision net1.pickle",
            "kfkd plot: error: there is no FIGURE 'comparision' (did you mean "
            f"'comparison'?); there are {', '.join(choices.FIGURES)}",
        ),
        (
            "plot weights net1.pickle --unit=3 --devise cpu",
            "kfkd plot weights: error: there is no option --devise (did you mean "
            "'--device'?)",
        ),
        (
            "plot net1.pickle comparison",
            "kfkd plot: error: FIGURE comes first: kfkd plot comparison net1.pickle "
            "...",
        ),
        (
            "plot --image 3 flip",
            "kfkd plot: error: FIGURE comes first, its options after it",
        ),
        (
            "predict me.jpg net1.pickle",
            "kfkd predict: error: the net comes first: kfkd predict net1.pickle me.jpg",
        ),
        (
            "submit me.JPG",
            "kfkd submit: error: me.JPG is an image, not a saved net",
        ),
        (
            "fit-specialists me.png",
            "kfkd fit-specialists: error: me.png is an image, not a saved net",
        ),
        (
            "predict net1.pickle net2.npz",
            "kfkd predict: error: net2.npz is a saved net, not an image; one net is "
            "taken",
        ),
        (
            "predict net1.pickle a/test.csv",
            "kfkd predict: error: a/test.csv is a table, not an image; --data a "
            "predicts the images of its test.csv",
        ),
        *(
            (
                f"{command} --out x.txt",
                f"kfkd {command}: error: --out x.txt ends in none of .pickle, .npz, "
                "the formats of nets",
            )
            for command in ("train", "fit-specialists")
        ),
        (
            "predict net1.pickle --out x.txt",
            "kfkd predict: error: argument --out: x.txt does not end in .csv or .json",
        ),
        (
            "submit net1.pickle --out x.txt",
            "kfkd submit: error: argument --out: x.txt does not end in .csv",
        ),
        (
            "predict net1.pickle --plot x.txt",
            "kfkd predict: error: argument --plot: x.txt ends in none of "
            f"{', '.join(choices.PICTURE_FORMATS)}",
        ),
        *(
            (
                f"{command}{net} --out ''",
                f"kfkd {command}: error: argument --out: the name is empty",
            )
            for net, commands in {
                "": ("train", "fit-specialists", "reproduce", "plot flip"),
                " net1.pickle": ("predict", "submit"),
            }.items()
            for command in commands
        ),
        (
            "reproduce --out report.html",
            "kfkd reproduce: error: --out names a folder; the page in it is called "
            "report.html",
        ),
    ],
)
def test_wrong_use_is_told_before_any_work(run, line, message):
    status, out, err = run(*shlex.split(line))
    assert (status, out) == (2, "")
    assert err.splitlines()[-1] == message


@pytest.mark.parametrize("line", ["train --dev", "train -- --dvice"])
def test_what_only_looks_like_a_mistyped_option(run, line):
    _, _, err = run(*shlex.split(line))
    assert "there is no option" not in err


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


@pytest.mark.parametrize(
    ("name", "number", "names"),
    [
        ("train", 18, choices.NETS),
        ("fit-specialists", 18, choices.SPECIALISTS),
        ("reproduce", 19, choices.NETS),
    ],
)
def test_help_gives_the_defaults_and_choices(run, name, number, names):
    _, out, _ = run(name, "--help")
    options = re.split(r"^  (?=-)", out, flags=re.MULTILINE)[1:]
    assert len(options) == number
    for option in options[1:]:  # without --help itself
        assert re.search(r"\(default:\s[^)]+\)", option), option
    assert ", ".join(names) in " ".join(out.split())


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
    # The scripts are those that the tutorial's work consists of.
    assert sorted(called) == sorted(modules - {"demo", "doctor", "export"})


def test_too_little_memory_is_one_line(run, monkeypatch):
    def too_large(path):
        raise MemoryError("Unable to allocate 2 TiB")

    monkeypatch.setattr(storage, "check_readable", too_large)
    status, _, err = run("predict", "net.pickle")
    assert (status, err) == (
        1,
        "kfkd predict: there is too little memory for this: Unable to allocate 2 TiB\n",
    )


def test_what_files_say_does_not_control_the_terminal(run, tmp_path):
    path = tmp_path / "net.npz"
    net = small_faces.small()
    storage.save(net, path)
    packed, about = arrays.read(path, "net")
    text = json.dumps(about).replace("dense:Dense", "dense:\\u001b[2J\\u202eDense")
    arrays.write(path, "net", packed, json.loads(text))
    status, _, err = run("predict", str(path))
    assert status == 1
    assert "no attribute '\\x1b[2J\\u202eDenseLayer'" in err
    assert err.removesuffix("\n").isprintable()


def test_choices_are_those_of_the_modules():
    assert choices.NETS == nets.NETS == tuple(nets._DEFINITIONS)
    columns = [setting["columns"] for setting in specialists.SPECIALIST_SETTINGS]
    assert tuple(map(name_of, columns)) == choices.SPECIALISTS
    assert choices.NET_FORMATS is storage.FORMATS
    assert choices.PICTURE_FORMATS is plots.FORMATS
    assert choices.PRECISIONS is xla.PRECISIONS
    assert reproduction.Settings().nets == choices.REPRODUCED
