"""What commands replace, what they keep, and what they leave alone."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from kfkd import faces, plots, storage
from kfkd.__main__ import main
from tests.helpers import small_faces, stubs

pytestmark = pytest.mark.usefixtures("work")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with Kaggle's files, small ones."""
    return faces.make(tmp_path_factory.mktemp("made"), n_train=60, n_test=4)


@pytest.fixture
def here(made, work):
    """A folder with a file of each kind in it, and others."""
    shutil.copytree(made, "data")
    storage.save(stubs.Linear(spread=0.1), "net.pickle")
    storage.save(stubs.specialists(spread=0.1), "set.pickle")
    storage.save(small_faces.small(), "net.npz")
    shutil.copy("data/test_labels.csv", "labels.csv")
    Path("submission.csv").write_text("RowId,Location\n1,1.0\n")
    Path("points.csv").write_text("ImageId,nose_tip_x,nose_tip_y\n1,2,3\n")
    photo = Image.fromarray(np.arange(96 * 96, dtype=np.uint8).reshape(96, 96))
    for ending in (".jpg", ".png", ".webp", ".pdf"):
        photo.save(f"photo{ending}")
    figure = Figure()
    figure.add_subplot().plot([1, 2])
    figure.savefig("plot.png")  # by Matplotlib, but not by kfkd
    figure.savefig("plot.svg")
    for name in ("text.csv", "foreign.npz", "photo.checkpoint", "report.html"):
        Path(name).write_text("somebody's own\n")
    Path("other.pickle").write_bytes(b"\x80\x04K\x01.")  # a pickle of 1
    Path("half.checkpoint").mkdir()
    os.link("data/IdLookupTable.csv", "hard.csv")
    os.symlink("data/IdLookupTable.csv", "link.csv")
    os.symlink("net.pickle", "link.pickle")
    return work


def content(folder):
    return {
        str(path): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


TRAIN = ["train", "net1", "--data", "data", "--epochs", "1"]
SPECIALISTS = ["fit-specialists", "--data", "data", "--epochs-scale", "1e-9"]
PREDICT = ["predict", "net.pickle", "--data", "data"]
SUBMIT = ["submit", "net.pickle", "--data", "data"]
FLIP = ["plot", "flip", "--data", "data"]
WEIGHTS = ["plot", "weights", "net.pickle"]
REPRODUCE = ["reproduce", "--nets", "net1", "--epochs-scale", "1e-9", "--data", "data"]

NEVER = [
    ([*SUBMIT, "--out", "data/IdLookupTable.csv"], "the name of one of the files"),
    ([*SUBMIT, "--out", "x/SAMPLESUBMISSION.CSV"], "the name of one of the files"),
    ([*SUBMIT, "--out", "link.csv"], "or is a link to one"),
    ([*SUBMIT, "--out", "hard.csv"], "is not a submission"),
    ([*SUBMIT, "--labels", "labels.csv", "--out", "labels.csv"], "is to be read"),
    ([*PREDICT, "--out", "data/test.csv"], "the name of one of the files"),
    ([*PREDICT, "--out", "data/training.csv"], "the name of one of the files"),
    ([*PREDICT, "--out", "data/test_labels.csv"], "the name of one of the files"),
    (["predict", "net.pickle", "photo.jpg", "--plot", "photo.jpg"], "is to be read"),
    ([*SPECIALISTS, "link.pickle", "--out", "net.pickle"], "is to be read"),
    ([*SPECIALISTS, "net.npz", "--out", "net.npz"], "is to be read"),
]
NOT_WITHOUT_FORCE = [
    ([*SUBMIT, "--out", "points.csv"], "is not a submission"),
    ([*SUBMIT, "--out", "text.csv"], "is not a submission"),
    ([*PREDICT, "--out", "submission.csv"], "is not a table of predictions"),
    ([*PREDICT, "--out", "text.csv"], "is not a table of predictions"),
    ([*PREDICT, "--out", "labels.csv"], "is not a table of predictions by kfkd"),
    ([*PREDICT, "--plot", "photo.jpg"], "is not a picture drawn by kfkd"),
    ([*FLIP, "--out", "photo.webp"], "is not a picture drawn by kfkd"),
    ([*FLIP, "--out", "photo.pdf"], "is not a picture drawn by kfkd"),
    ([*FLIP, "--out", "plot.svg"], "is not a picture drawn by kfkd"),
    ([*WEIGHTS, "--out", "plot.png"], "is not a picture drawn by kfkd"),
    (["plot", "learning-curves", "net.npz", "--out", "plot.png"], "is not a picture"),
    ([*TRAIN, "--out", "photo.pickle"], "photo.png is there already, is not a pict"),
    ([*TRAIN, "--out", "other.pickle"], "is not a saved net"),
    ([*TRAIN, "--out", "foreign.npz"], "is not a saved net"),
    ([*TRAIN, "--out", "set.pickle"], "is not a saved net"),
    ([*SPECIALISTS, "--out", "net.npz"], "is not a saved set of specialists"),
    ([*REPRODUCE, "--out", "."], "report.html is there already, is not a page"),
]


def refused(arguments, message, capsys):
    before = content(Path.cwd())
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert content(Path.cwd()) == before
    return error


@pytest.mark.parametrize(("arguments", "message"), NEVER)
def test_inputs_and_kaggles_files_are_never_replaced(here, capsys, arguments, message):
    refused(arguments, message, capsys)
    if message != "is not a submission":
        refused([*arguments, "--force"], message, capsys)


@pytest.mark.parametrize(("arguments", "message"), NOT_WITHOUT_FORCE)
def test_a_file_of_another_kind_is_not_replaced(here, capsys, arguments, message):
    error = refused(arguments, message, capsys)
    option = "--plot" if "--plot" in arguments else "--out"
    assert error.endswith(f"name another {option}, or --force replaces it\n")


@pytest.mark.parametrize(
    ("arguments", "replaced"),
    [
        ([*PREDICT, "--out", "text.csv"], "text.csv"),
        ([*FLIP, "--out", "photo.pdf"], "photo.pdf"),
        ([*TRAIN, "--out", "photo.pickle", "--no-resume"], "photo.png"),
        ([*TRAIN, "--out", "set.pickle"], "set.pickle"),
    ],
)
def test_force_replaces_it(here, capsys, arguments, replaced):
    before = Path(replaced).read_bytes()
    assert main([*arguments, "--force"]) == 0
    assert Path(replaced).read_bytes() != before
    assert not list(here.glob("*.old.pickle"))


@pytest.mark.parametrize(
    "arguments",
    [
        [*SUBMIT, "--out", "new.csv"],
        [*PREDICT, "--out", "new.csv", "--plot", "new.png"],
        ["predict", "net.pickle", "photo.jpg", "--no-detect", "--out", "new.csv"],
        *([*FLIP, "--out", f"new{ending}"] for ending in plots.FORMATS),
        [*TRAIN, "--out", "new.pickle"],
        [*TRAIN, "--out", "new.npz"],
        [*REPRODUCE, "--out", "new"],
        [*REPRODUCE, "--out", "new", "--report-only"],
    ],
)
def test_a_file_of_its_own_kind_is_replaced(here, arguments):
    for path in {*arguments} & {"new.csv", "new.png"}:
        Path(path).touch()  # as mktemp does
    Path("new").mkdir()
    assert main(arguments) == main(arguments) == 0


def test_a_foreign_checkpoint_is_neither_replaced_nor_deleted(here, capsys):
    shutil.copy("photo.checkpoint", "run.checkpoint")
    for more in ([], ["--no-resume"], ["--resume"]):
        arguments = [*TRAIN, "--out", "run.pickle", *more]
        if more != ["--no-resume"]:
            refused(arguments, "run.checkpoint is ", capsys)
        else:
            refused(arguments, "run.checkpoint is there already, is not a che", capsys)
    refused([*TRAIN, "--out", "half.pickle"], "half.checkpoint is there, and", capsys)
    # Where it is meant, it is moved aside.
    arguments = [*TRAIN, "--out", "run.pickle", "--no-resume", "--force"]
    assert main(arguments) == 0
    assert Path("run.old.checkpoint").read_text() == "somebody's own\n"
    assert not Path("run.checkpoint").exists()


def test_a_finished_net_is_kept_beside_the_new_one(here, capsys):
    long = [*TRAIN, "--out", "mine.pickle"]
    long[long.index("--epochs") + 1] = "3"
    assert main(long) == 0
    first = Path("mine.pickle").read_bytes()
    capsys.readouterr()
    assert main([*TRAIN, "--out", "mine.pickle"]) == 0
    assert "that was there is kept as " in capsys.readouterr().out
    second = Path("mine.pickle").read_bytes()
    assert main([*TRAIN, "--out", "mine.pickle", "--seed", "1"]) == 0
    assert Path("mine.old.pickle").read_bytes() == first
    assert Path("mine.old2.pickle").read_bytes() == second
    assert len(storage.load("mine.old.pickle").train_history_) == 3


def test_a_reproduction_with_other_settings_keeps_the_nets(here, capsys):
    command = [*REPRODUCE, "--out", "new"]
    assert main(command) == 0
    first = Path("new/net1.pickle").read_bytes()
    assert main([*command, "--seed", "1"]) == 0
    assert "net1: the one that was there is kept as " in capsys.readouterr().out
    assert Path("new/net1.old.pickle").read_bytes() == first
    assert main([*command, "--seed", "2", "--force"]) == 0
    assert not Path("new/net1.old2.pickle").exists()
