"""Kinds of files, recognised by their content."""

import pytest
from matplotlib.figure import Figure

from kfkd import plots, storage
from kfkd.files import arrays, kinds
from kfkd.jobs.progress_bars import ProgressBars
from tests.helpers import small_faces

ALL = [getattr(kinds, name) for name in kinds.__all__ if name.isupper()]
ALL = [kind for kind in ALL if isinstance(kind, kinds.Kind)]
ROW = dict(epoch=1, train_loss=0.1, valid_loss=0.2, dur=1.0)


def figure(path):
    axes = Figure().add_subplot()
    axes.plot([1, 2])
    plots.save_figure(axes, path)


def log(*reports, history=(), note="best 0.2 at epoch 1"):
    def write(path):
        bars = ProgressBars({"a": 1}, lambda name: path, 100, {"a": 9}, 1)
        for report in reports:
            bars.report("a", report)
        bars.finish("a", list(history), note)
        bars.close()

    return write


HEAD = dict(head="nose_tip_x, nose_tip_y\n9 rows, 1 epoch at most, on cpu (2 cores)")
FILES = {
    "net.pickle": (lambda path: storage.save(small_faces.small(), path), kinds.NET),
    "net.npz": (lambda path: storage.save(small_faces.small(), path), kinds.NET),
    "set.pickle": (
        lambda path: storage.save({("a",): small_faces.small()}, path),
        kinds.SPECIALISTS,
    ),
    "set.npz": (
        lambda path: storage.save({"a": small_faces.small()}, path),
        kinds.SPECIALISTS,
    ),
    "a.checkpoint": (
        lambda path: arrays.write(path, "checkpoint", {}, {}),
        kinds.CHECKPOINT,
    ),
    **{f"a{ending}": (figure, kinds.FIGURE) for ending in plots.FORMATS},
    "a.PNG": (figure, kinds.FIGURE),
    "started.log": (log(HEAD, ROW), kinds.LOG),
    "late.log": (log(history=[ROW]), kinds.LOG),
    "failed.log": (log(note="failed: ValueError: no\n\nTraceback ..."), kinds.LOG),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_of_its_kind_alone(tmp_path, name):
    write, expected = FILES[name]
    write(tmp_path / name)
    found = [kind for kind in ALL if kinds.is_of_kind(tmp_path / name, kind)]
    assert found == [expected]


LABELS = b"ImageId,nose_tip_x,nose_tip_y\n1,40.2500,51.5000\n2,40.25,51\n3,,\n"


@pytest.mark.parametrize(
    "content",
    [
        *[b"x", b"PK", b"\x80", b"\x89PNG\r\n\x1a\n", b"a,b\n1,2\n", b"{}", b"<p>"],
        LABELS,
    ],
)
def test_other_files_are_of_none(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert not [kind for kind in ALL if kinds.is_of_kind(tmp_path / "file", kind)]


def test_an_empty_file_may_be_replaced_by_any(tmp_path):
    (tmp_path / "file").touch()
    assert all(kinds.is_of_kind(tmp_path / "file", kind) for kind in ALL)
