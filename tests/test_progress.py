"""Bars: where they are shown, and what they leave on a terminal."""

import contextlib
import io
import re
import sys
import threading
import types
import warnings

import pytest

from kfkd import data, faces, progress
from kfkd.jobs.progress_bars import ProgressBars
from tests.helpers import small_faces


class Terminal(io.StringIO):
    def isatty(self):
        return not super().isatty()  # which fails if it is closed


@pytest.fixture
def screen(monkeypatch):
    """A terminal on which bars appear at once, where standard error is sent to it."""
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(progress, "_DELAY", 0)
    return Terminal()


def shown_on(screen):
    return contextlib.redirect_stderr(screen)


@pytest.fixture
def notebook(monkeypatch):
    """A kernel without ipywidgets, as far as can be seen."""
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    shell = types.SimpleNamespace(kernel=object())
    ipython = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", types.ModuleType("zmqshell"))
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    for name in ("auto", "autonotebook", "notebook"):
        monkeypatch.delitem(sys.modules, f"tqdm.{name}", raising=False)


def visible(text):
    """What stays on the screen: of each line what came after the last return."""
    lines = [line.rstrip("\r").split("\r")[-1] for line in text.split("\n")]
    return "\n".join(line.rstrip() for line in lines)


def test_a_bar_counts_and_goes_without_a_trace(screen, capsys):
    with shown_on(screen), progress.Bar("reading", 8, unit="row") as bar:
        bar.update(2, note="half asleep")
        bar._bar.refresh()
    text = screen.getvalue()
    assert re.search(r"reading:  25%.* 2/8 \[\d\d:\d\d<.*row/s, half asleep\]", text)
    assert visible(text) == ""
    assert capsys.readouterr().out == ""


def test_without_its_speed_it_has_room_for_a_note(screen):
    with shown_on(screen), progress.Bar("", 400, speed=False) as bar:
        bar.update(40, note="train 0.008565, valid 0.010068")
        bar._bar.refresh()
    left = r"40/400 \[\d\d:\d\d<\d\d:\d\d, train 0.008565, valid 0.010068\]"
    assert re.search(r"\r 10%\|[^\r]+\| " + left, screen.getvalue())


def test_without_a_total_there_is_a_clock(screen):
    with shown_on(screen), progress.Bar("compiling") as bar:
        bar._bar.refresh()
    assert re.search(r"\rcompiling \[\d\d:\d\d\]", screen.getvalue())
    assert visible(screen.getvalue()) == ""


def test_the_clock_goes_on_while_nothing_is_done(screen, monkeypatch):
    monkeypatch.setattr(progress, "_TICK", 0.001)
    drawings = threading.Semaphore(0)
    with shown_on(screen), progress.Bar("compiling") as bar:
        monkeypatch.setattr(bar._bar, "refresh", drawings.release)
        for _ in range(3):
            assert drawings.acquire(timeout=60)
    assert not bar._ticker.is_alive()


def test_what_is_soon_over_shows_nothing(screen, monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 1e6)
    with shown_on(screen), progress.Bar("reading", 3) as bar:
        bar.update(3)
    assert screen.getvalue().strip("\r") == ""


@pytest.mark.parametrize("reason", ["no terminal", "none", "closed", "variable", "no"])
def test_no_bar_where_nobody_sees_or_wants_it(screen, monkeypatch, reason):
    stream = screen
    if reason == "no terminal":
        stream = io.StringIO()
    elif reason == "none":
        stream = None
    elif reason == "closed":
        stream.close()
    elif reason == "variable":
        monkeypatch.setenv("TQDM_DISABLE", "1")
    with shown_on(stream), progress.Bar("reading", 3, shown=reason != "no") as bar:
        assert bar._bar is None
        bar.update(2, note="x")
        bar.reset()
    if reason not in ("none", "closed"):
        assert stream.getvalue() == ""


def test_the_doctor_needs_no_tqdm(screen, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with shown_on(screen), progress.Bar("trying") as bar:
        bar.update()
    assert screen.getvalue() == ""


def test_text_on_standard_output_is_kept_apart(screen):
    with shown_on(screen), contextlib.redirect_stdout(screen):
        with progress.Bar("reading", 3) as bar:
            bar.update()
            progress.write("a row")
            progress.write("a message", sys.stderr)
        progress.write("the end")
    assert visible(screen.getvalue()) == "a row\na message\nthe end\n"


def test_notebooks_without_widgets_get_bars_of_text(notebook):
    found = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, shown_on(found):
        warnings.simplefilter("always")
        assert progress.in_notebook()
        assert not progress.keep_apart()
        with progress.Bar("reading", 3, delay=0) as bar:
            bar.update(2)
            bar._bar.refresh()
    assert caught == []
    assert "reading:  67%" in found.getvalue()


def test_elsewhere_is_no_notebook():
    assert not progress.in_notebook()
    assert progress.keep_apart()


# --- Who has one ----------------------------------------------------------------------


def test_drawing_faces_shows_how_many(screen, tmp_path):
    with shown_on(screen):
        faces.make(tmp_path, n_train=4, n_test=2)
        text = screen.getvalue()
        faces.make(tmp_path, n_train=4, n_test=2)  # they are there
    assert re.search(r"drawing faces:   0%.* 0/6 \[", text)
    assert screen.getvalue() == text
    assert visible(text) == ""


def test_reading_a_table_shows_how_much(screen, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = faces.make(tmp_path / "faces", n_train=4, n_test=2)
    lines = (folder / "training.csv").read_bytes().splitlines(keepends=True)
    counted, update = [], progress.Bar.update

    def count(self, n):
        counted.append(n)
        update(self, n)

    monkeypatch.setattr(progress.Bar, "update", count)
    with shown_on(screen):
        data.read("training", folder)
    assert counted == [len(line) for line in lines]
    size = f"{sum(counted) / 1000:.0f}k"
    assert re.search(rf"reading training.csv:   0%.*/{size} \[", screen.getvalue())
    assert visible(screen.getvalue()) == ""


@pytest.mark.parametrize("verbose", [0, 1])
def test_training_and_predicting_show_bars_if_verbose(screen, verbose, capsys):
    net = small_faces.small(verbose=verbose, max_epochs=2, log_every=2)
    X, y = small_faces.rows()
    with shown_on(screen):
        net.fit(X, y)
        trained = screen.getvalue()
        net.predict(X)
    predicted = screen.getvalue()[len(trained) :]
    assert ("compiling, first epoch [" in trained) == bool(verbose)
    assert bool(re.search(r"1/2 \[\d\d:\d\d<", trained)) == bool(verbose)
    assert ("predicting:   0%" in predicted) == bool(verbose)
    assert visible(screen.getvalue()) == ""
    assert "\r" not in capsys.readouterr().out


def test_losses_are_on_the_bar(monkeypatch):
    notes = []
    monkeypatch.setattr(progress.Bar, "update", lambda self, note: notes.append(note))
    net = small_faces.small(verbose=1).fit(*small_faces.rows())
    assert notes == [
        f"train {row['train_loss']:.6f}, valid {row['valid_loss']:.6f}"
        for row in net.train_history_[1:]
    ]


def train_with_bars(tmp_path):
    epochs, rows = {"eyes": 2, "nose": 2}, {"eyes": 8, "nose": 4}
    bars = ProgressBars(epochs, lambda name: tmp_path / name, 1, rows, 1)
    row = {"epoch": 1, "train_loss": 0.5, "valid_loss": 0.25, "dur": 1.0}
    bars.report("eyes", {"head": "eyes"})
    bars.report("eyes", row)
    history = [row, row | {"epoch": 2}]
    bars.finish("eyes", history, "best 0.250000 at epoch 1 of 2, 3 s")
    bars.close()


LINES = """\
eyes     1/2  train 0.500000  valid 0.250000
eyes best 0.250000 at epoch 1 of 2, 3 s
"""


@pytest.mark.parametrize("watched", [True, False])
def test_specialists_have_a_bar_each(screen, tmp_path, watched):
    out = Terminal() if watched else io.StringIO()  # a log, say
    with shown_on(screen), contextlib.redirect_stdout(out):
        train_with_bars(tmp_path)
    text = screen.getvalue()
    assert re.search(r"eyes: 100%.* 2/2 \[.*, best 0.250000\]", text)
    assert "nose:   0%" in text
    assert out.getvalue() == ("" if watched else LINES)


def test_a_table_in_a_notebook_is_not_broken_up(notebook, capsys):
    small_faces.small(verbose=1).fit(*small_faces.rows())
    out, err = capsys.readouterr()
    assert len(re.findall(r"^     \d  \| ", out, re.MULTILINE)) == 3
    assert "epoch/s" not in err


def test_how_long_all_specialists_take_is_told_once(tmp_path, capsys):
    epochs, rows = {"eyes": 10, "nose": 100}, {"eyes": 1000, "nose": 2000}
    bars = ProgressBars(epochs, lambda name: tmp_path / name, 1000, rows, 2)
    # The first epoch compiles; then a second for 100 rows.
    for epoch, seconds in enumerate([900.0, 10.0, 10.0, 10.0, 10.0], start=1):
        row = {"epoch": epoch, "train_loss": 1.0, "valid_loss": 1.0, "dur": seconds}
        bars.report("eyes", row)
        out, err = capsys.readouterr()
        assert out == ""
        # (6 * 1000 + 100 * 2000) / 100 seconds, for two at a time
        expected = "About 17 min left at most for all of them.\n"
        assert err == (expected if epoch == 4 else "")
    bars.close()


def test_specialists_in_a_notebook_have_lines(notebook, tmp_path, capsys):
    train_with_bars(tmp_path)
    assert capsys.readouterr() == (LINES, "")
