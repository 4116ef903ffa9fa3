"""scripts/plot_learning_curves.py, in this process, as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from kfkd import nets, storage
from tests.helpers import stubs

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / "scripts" / "plot_learning_curves.py")

pytestmark = pytest.mark.usefixtures("work")


def history(loss):
    return [
        {"epoch": i, "train_loss": loss / i, "valid_loss": 2 * loss / i}
        for i in range(1, 6)
    ]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def save_net(path, loss):
    net = nets.make("net1", hidden_num_units=2)
    net.train_history_ = history(loss)
    storage.save(net, path)


def test_nets_of_other_data_are_named_by_them(run, saved):
    for name, kind in (("net1", "drawn"), ("net2", "drawn"), ("net3", "kaggle")):
        net = nets.make("net1", hidden_num_units=2)
        net.train_history_ = history(0.01)
        net.trained_on_ = [{"kind": kind}]
        storage.save(net, f"{name}.pickle")
    save_net("net4.pickle", 0.01)
    assert run("net1.pickle", "net2.pickle", "net4.pickle")[0] == 0
    assert not any("faces" in text for text in legend(saved[0]))
    assert run("net1.pickle", "net3.pickle", "net4.pickle", "--force")[0] == 0
    texts = " ".join(legend(saved[1]))
    assert "net1, drawn faces (kfkd.faces)" in texts
    assert "net3, Kaggle's photographs" in texts
    assert "net4" in texts


def save_specialists(path):
    crew = {}
    for columns in stubs.GROUPS:
        crew[columns] = nets.make("net1", hidden_num_units=2)
        crew[columns].train_history_ = history(0.001 * len(columns))
    storage.save(crew, path)


def test_specialists_by_default(run, saved):
    save_specialists("net-specialists.pickle")
    assert run() == (0, "Drawn in learning-curves.png\n")
    with Image.open("learning-curves.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 800
    assert "mean, weighted" in legend(saved[0])
    assert saved[0].get_yscale() == "log"


def test_a_net(run, saved):
    save_net("net1.pickle", 0.01)
    status, _ = run("net1.pickle", "--out", "a.svg", "--linear", "--ymin", 0)
    assert status == 0
    assert Path("a.svg").read_text(encoding="utf-8").startswith("<?xml")
    (axes,) = saved[0].figure.axes
    assert axes.get_title() == "Learning curves of net1"
    assert axes.get_yscale() == "linear"
    assert axes.get_ylim()[0] == 0
    assert axes.lines[1].get_ydata()[0] == pytest.approx(48 * 0.02**0.5)


def test_nets_with_names(run, saved):
    os.mkdir("other")
    save_net("net1.pickle", 0.01)
    save_net("other/net2.pickle", 0.002)
    assert run("net1.pickle", "other/net2.pickle", "--ymax", "3")[0] == 0
    assert [text.split()[0] for text in legend(saved[0])[:2]] == ["net1", "net2"]
    assert saved[0].get_ylim()[1] == 3
    save_net("other/net1.pickle", 0.002)
    assert run("net1.pickle", "other/net1.pickle")[0] == 0
    names = [text.split()[0] for text in legend(saved[1])[:2]]
    assert names == ["net1.pickle", "other/net1.pickle"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no net-specialists.pickle, the default: `kfkd fit-specialists` makes"),
        (["net1.pickle", "crew.pickle"], "crew is a set of specialists, which cannot"),
        (["net2.npz"], "no net2.npz; `kfkd train net2 --out net2.npz` makes it"),
        (["a/net2.pickle"], "; `kfkd train net2 --out a/net2.pickle` makes it"),
        (["net2"], "there is no net2; `kfkd train net2` makes it"),
        (["new.pickle"], "new has no learning curves: it has not been trained"),
        (["three.pickle"], "three.pickle holds 3 (int), not a net or a set"),
        (["net1.pickle", "--out", "no/a.png"], "there is no folder no"),
        (["net1.pickle", "--ymin", "9"], "errors cannot be drawn from 9 to"),
    ],
)
def test_errors_are_one_message_and_nothing_is_written(run, arguments, message):
    save_net("net1.pickle", 0.01)
    save_specialists("crew.pickle")
    storage.save(nets.make("net1"), "new.pickle")
    storage.save(3, "three.pickle")
    before = set(os.listdir())
    status, printed = run(*arguments)
    assert status.startswith("plot_learning_curves.py: ")
    assert message in status
    assert len(status.splitlines()) == 1
    assert printed == ""
    assert set(os.listdir()) == before


@pytest.mark.parametrize("arguments", [["--out", "a.gif"], ["--ymin", "low"]])
def test_wrong_use(run, arguments):
    assert run("net1.pickle", *arguments)[0] == 2


@pytest.mark.process
@pytest.mark.slow
def test_the_verb_of_the_original():
    save_specialists("net-specialists.pickle")
    done = subprocess.run(
        [sys.executable, "-m", "kfkd", "plot_learning_curves"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Drawn in learning-curves.png\n"
    assert Path("learning-curves.png").exists()
