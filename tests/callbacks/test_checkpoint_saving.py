"""When a checkpoint is saved, and what of the callbacks is in it."""

import threading

import pytest

from kfkd.callbacks import Checkpoint, checkpoint, checkpoint_files
from kfkd.errors import ArgumentError, CheckpointError
from tests.helpers.killed_trainings import (
    Killed,
    check_same,
    kill_after,
    killed,
    plain,
    trained,
)

pytestmark = pytest.mark.gpu


@pytest.fixture
def clock(monkeypatch):
    """Let every epoch last 40 seconds."""

    class Clock:
        now = 0

        def __call__(self, net, train_history):
            self.now += 40

    clock = Clock()
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: clock.now)
    return clock


@pytest.fixture
def saved(monkeypatch):
    """The epochs after which a checkpoint has been written."""
    epochs = []
    write = checkpoint_files.arrays.write

    def noted(path, kind, arrays, about):
        epochs.append(len(about["history"]))
        write(path, kind, arrays, about)

    monkeypatch.setattr(checkpoint_files.arrays, "write", noted)
    return epochs


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (dict(epochs=2), [2, 4, 6]),
        (dict(minutes=1), [2, 4, 6]),
        (dict(minutes=1.5), [3, 6]),
        (dict(epochs=4, minutes=2), [3, 4]),
        ({}, []),
    ],
)
def test_it_is_saved_when_it_is_due(path, clock, saved, when, expected):
    trained(plain, clock, Checkpoint(path, **when))
    assert saved == expected


def test_the_latest_epoch_is_saved_when_training_ends_early(path, clock, saved):
    kill_after.add(5)
    with pytest.raises(Killed):
        trained(plain, clock, Checkpoint(path, minutes=2))
    assert saved == [3, 4]  # KillAfter ended the fifth epoch before it was heard of


def test_the_first_epoch_is_enough_to_go_on_from(path, clock, saved, monkeypatch):
    monkeypatch.setattr(checkpoint, "_PAUSE", 1000)
    kill_after.add(2)
    with pytest.raises(Killed):
        trained(plain, clock, Checkpoint(path))
    assert saved == [1]


def test_early_stopping_is_an_end(path, clock, saved):
    def stop(net, train_history):
        if len(train_history) == 5:
            raise StopIteration

    trained(plain, clock, Checkpoint(path), stop)
    assert saved == []


def test_a_time_limit_ends_training_in_time_and_it_goes_on(path, clock, saved):
    expected = trained(plain)
    checkpoint = Checkpoint(path, time_limit=3)  # 180 seconds
    net = trained(plain, clock, checkpoint)
    assert checkpoint.out_of_time
    assert len(net.train_history_) == 4
    assert saved == [4]
    checkpoint = Checkpoint(path, resume=True)
    net = trained(plain, clock, checkpoint)
    assert checkpoint.resumed == 4
    check_same(net, expected)


def test_a_time_limit_that_is_reached_at_the_end_does_not_count(path, clock, saved):
    checkpoint = Checkpoint(path, time_limit=4)  # the 240 seconds that it takes
    net = trained(plain, clock, checkpoint)
    assert len(net.train_history_) == 6
    assert not checkpoint.out_of_time
    assert saved == []


def test_the_folder_is_made_before_training(tmp_path):
    path = tmp_path / "runs" / "a" / "net.checkpoint"
    trained(plain, Checkpoint(path, epochs=6))
    assert path.is_file()


def test_training_goes_on_where_nothing_can_be_written(tmp_path):
    checkpoint = Checkpoint(tmp_path / "none" / "net.checkpoint", epochs=6)

    def remove(net, train_history):
        if len(train_history) == 1:
            checkpoint.path.parent.rmdir()

    with pytest.warns(RuntimeWarning, match="there is no folder"):
        net = trained(plain, remove, checkpoint)
    assert len(net.train_history_) == 6


def test_a_folder_is_no_checkpoint_and_stays_where_it_is(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(CheckpointError, match=r"is a folder; a checkpoint is a file"):
        trained(plain, Checkpoint(tmp_path, epochs=1))
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    file = tmp_path / "mine.txt" / "net.checkpoint"
    with pytest.raises(CheckpointError, match="cannot be written: "):
        trained(plain, Checkpoint(file, epochs=1))


@pytest.mark.parametrize(
    ("when", "message"),
    [
        (dict(epochs="a"), "epochs is 'a'; it must be a whole number of at least 1"),
        (dict(epochs=0), "epochs is 0; it must be a whole number of at least 1"),
        (dict(minutes="a"), "minutes is 'a'; it must be a finite number, more than 0"),
        (dict(time_limit=0), "time_limit is 0; it must be a finite number, more"),
    ],
)
def test_what_does_not_say_when(path, when, message):
    with pytest.raises(ArgumentError, match=f"^{message}"):
        Checkpoint(path, **when)


def test_a_state_that_cannot_be_saved_is_named(path):
    class Secretive:
        def __init__(self):
            self.lock = threading.Lock()

        def __call__(self, net, train_history):
            pass

    with pytest.warns(RuntimeWarning, match=r"Secretive is not saved, as .* is a lock"):
        trained(plain, Secretive(), Checkpoint(path, epochs=6))
    assert path.exists()


def test_the_object_of_a_method_has_the_state(path):
    class Counter:
        def __init__(self):
            self.seen = 0

        def count(self, net, train_history):
            self.seen += 1

    killed(lambda *c: plain(Counter().count, *c), path, 4)
    counter = Counter()
    trained(plain, counter.count, Checkpoint(path, resume=True))
    assert counter.seen == 6


def test_a_callback_may_say_itself_what_its_state_is(path):
    class Counter:
        def __init__(self):
            self.lock, self.seen = threading.Lock(), 0

        def __call__(self, net, train_history):
            self.seen += 1

        def state_dict(self):
            return {"count": self.seen}

        def load_state_dict(self, state):
            self.seen = state["count"]

    killed(lambda *c: plain(Counter(), *c), path, 4)
    counter = Counter()
    trained(plain, counter, Checkpoint(path, resume=True))
    assert counter.seen == 6
