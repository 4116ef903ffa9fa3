"""What is told of the time that a training takes."""

import concurrent.futures
import re
import sys
import types

import numpy as np
import pytest
import theano

from kfkd import progress
from kfkd.callbacks import AdjustVariable, EarlyStopping, PrintTables, time_left
from kfkd.callbacks.checkpoint import Checkpoint
from kfkd.callbacks.time_left import TimeLeft
from tests.helpers import small_faces

HOUR = 3600


@pytest.fixture
def clock(monkeypatch):
    """Let epochs take the seconds that are put into this list, the last one forever."""
    durations, now = [100.0], [0.0]

    def monotonic():
        now[0] += durations.pop(0) if len(durations) > 1 else durations[0]
        return now[0]

    fake = types.SimpleNamespace(monotonic=monotonic)
    monkeypatch.setattr(time_left, "time", fake)
    return durations


@pytest.fixture
def told(capsys):
    """Train a small net; return what is told on standard error."""

    def train(*callbacks, epochs=9, times=1, seed=None, **changes):
        net = small_faces.small(verbose=1, on_epoch_finished=list(callbacks), **changes)
        net.seed(seed)
        for _ in range(times):
            net.fit(*small_faces.rows(), epochs=epochs)
        out, err = capsys.readouterr()
        assert "left" not in out
        return err

    return train


def test_the_usual_epoch_counts_and_not_the_first(clock, told):
    # The first compiles, the third meets something else.
    clock[:] = [HOUR, 10, 2 * HOUR, 10, HOUR]
    assert told(epochs=40) == (  # 36 more
        "About 6 min left on this CPU; Ctrl-C keeps what is learnt in the net.\n"
    )


def test_long_epochs_need_not_be_many(clock, told):
    clock[:] = [HOUR, 19.9, 30]
    assert told(epochs=2 + 10 + 2).startswith("About 5 min")  # ten after the fourth
    clock[:] = [HOUR, 20.1, 30]
    assert told(epochs=2 + 10).startswith("About 3 min")  # ten after the second


def test_each_training_tells_it_once(clock, told):
    assert told(times=2).count("About 12 min left") == 2


def test_the_table_stays_as_it_is(clock, capsys):
    small_faces.small(verbose=1, max_epochs=6).fit(*small_faces.rows())
    out, err = capsys.readouterr()
    _, table = out.split("---------------\n")
    assert re.fullmatch(r"( +\d  \| [^\n]+\n){6}", table)
    assert err.startswith("About 7 min left")


def test_a_short_training_tells_nothing(clock, told):
    clock[:] = [HOUR, 22.4]  # eight more
    assert told(epochs=10) == ""
    clock[:] = [HOUR, 22.6]
    assert "About 3 min left" in told(epochs=10)


def test_quick_epochs_are_watched_for_some_seconds(clock, capsys):
    clock[:] = [0.25]
    callback = TimeLeft()
    callback.set_loop(types.SimpleNamespace(last=10**6, callbacks=[callback]))
    for epoch in range(1, 9):  # seven after the first
        callback(None, [{"epoch": epoch}])
    assert capsys.readouterr().err == ""
    callback(None, [{"epoch": 9}])
    assert capsys.readouterr().err.startswith("About 2.9 days left on this CPU")


def test_it_does_not_hold_the_next_epoch_back():
    for callback in (TimeLeft(), PrintTables()):
        assert callback.supports_overlap
        assert callback.before_next_epoch(None, 1)


def test_a_quiet_net_tells_nothing(clock, capsys):
    small_faces.small(max_epochs=9).fit(*small_faces.rows())
    assert capsys.readouterr() == ("", "")


def look(net, train_history):
    """A callback that could stop training, for all that is known."""


@pytest.mark.parametrize(
    ("callback", "most"),
    [
        (EarlyStopping(), True),
        (look, True),
        (AdjustVariable("update_learning_rate"), False),
    ],
)
def test_who_could_stop_training_makes_it_a_bound(clock, told, callback, most):
    rate = theano.shared(np.float32(0.01))
    line = told(callback, update_learning_rate=rate)
    assert line.startswith("About 12 min left" + " at most" * most + " on this CPU; ")


def test_a_checkpoint_keeps_it_and_a_time_limit_bounds_it(clock, told, tmp_path):
    path = tmp_path / "net.checkpoint"
    line = told(Checkpoint(path, epochs=5))
    assert line.startswith("About 12 min left on this CPU; Ctrl-C keeps what is ")
    assert line.endswith(f" in {path}.\n")
    assert "left at most" in told(Checkpoint(path, epochs=5, time_limit=600))


class Interrupt:
    """A callback that presses Ctrl-C after the epoch in `interrupted`."""

    def __call__(self, net, train_history):
        if train_history[-1]["epoch"] in interrupted:
            raise KeyboardInterrupt


interrupted = set()


def test_a_resumed_training_tells_what_is_left(clock, told, tmp_path, monkeypatch):
    path = tmp_path / "net.checkpoint"
    monkeypatch.setattr(sys.modules[__name__], "interrupted", {6})
    told(Interrupt(), Checkpoint(path, epochs=5), seed=1, epochs=30)
    interrupted.clear()
    line = told(Interrupt(), Checkpoint(path, epochs=5, resume=True), seed=1, epochs=30)
    assert line.startswith("About 38 min left at most")  # 23 epochs after the seventh


def test_in_a_thread_or_a_notebook_no_key_ends_it(clock, told, monkeypatch):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert pool.submit(told).result() == "About 12 min left on this CPU.\n"
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    assert "; interrupting the kernel keeps what is learnt in the net.\n" in told()
