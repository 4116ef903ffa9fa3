"""A training that goes on from a checkpoint is, bit for bit, one that was not ended."""

import collections
import random
import threading

import numpy as np
import pytest
import theano
from lasagne import layers
from lasagne.nonlinearities import tanh

from kfkd.augment import FlipBatchIterator
from kfkd.callbacks import AdjustVariable, Callback, EarlyStopping, checkpoint
from kfkd.callbacks.checkpoint import Checkpoint, CheckpointError
from kfkd.xla import formulations
from tests.helpers import small_faces
from tests.helpers.cases import parametrize

pytestmark = pytest.mark.gpu


class Killed(Exception):
    pass


class Fate(Callback):
    """A callback that ends training after the epoch in `fate`, if there is one."""

    def __call__(self, net, train_history):
        if train_history[-1]["epoch"] in fate:
            raise Killed

    def before_next_epoch(self, net, epoch):
        return True


fate = set()


class Draws:
    """A callback with a state of many kinds, whose course depends on it."""

    def __init__(self, rate=0.1):
        self.rate = rate
        self.rng = np.random.default_rng(5)
        self.old = random.Random(3)
        self.seen = {("best", 1): [np.float32(1), (2, None)], "all": np.zeros(3)}
        self.recent = collections.deque([0.5], maxlen=2)
        self.others = [{1, 2}, collections.OrderedDict(b=True, a=np.array(["x"]))]

    def __call__(self, net, train_history):
        self.seen["all"] += self.rng.random(3) + self.old.random() + np.random.rand()  # noqa: NPY002
        self.recent.append(self.recent[0] + self.old.random())
        assert self.others[0] == {1, 2}
        assert list(self.others[1]) == ["b", "a"]
        loss = train_history[-1]["train_loss"] + self.seen["all"].sum()
        loss += sum(self.recent)
        net.update_learning_rate.set_value(np.float32(0.01 + self.rate / (9 + loss)))


def plain(*callbacks, **changes):
    options = dict(max_epochs=6, on_epoch_finished=[*callbacks, Fate()])
    return small_faces.small(**options | changes), small_faces.rows()


def eventful(*callbacks, **changes):
    """A net with all that has a state: dropout, flips, shuffling, callbacks."""
    callbacks += (
        AdjustVariable("update_learning_rate", 0.03, 0.001),
        AdjustVariable("update_momentum", 0.9, 0.99),
        EarlyStopping(patience=3),
        Draws(),
    )
    options = dict(
        layers=[
            ("input", layers.InputLayer),
            ("hidden", layers.DenseLayer),
            ("drop", layers.DropoutLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, 1, 96, 96),
        batch_iterator_train=FlipBatchIterator(batch_size=9, shuffle=True),
        update_learning_rate=theano.shared(np.float32(0.03)),
        update_momentum=theano.shared(np.float32(0.9)),
    )
    net, _ = plain(*callbacks, **options | changes)
    return net, small_faces.images()


@pytest.fixture(params=["OnDevice", "BatchWise"])
def way(request, monkeypatch):
    monkeypatch.setattr(
        formulations, "loops", lambda nodes: request.param == "OnDevice"
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.checkpoint"


@pytest.fixture(autouse=True)
def fateless():
    fate.clear()


def trained(kind, *callbacks, seed=7, **changes):
    np.random.seed(seed)  # noqa: NPY002
    net, (X, y) = kind(*callbacks, **changes)
    return net.seed(seed).fit(X, y)


def killed(kind, path, epoch, **changes):
    fate.add(epoch)
    with pytest.raises(Killed):
        trained(kind, Checkpoint(path, epochs=2), **changes)
    fate.clear()


def everything(net):
    """Return the numbers that a net has come to, and those it would go on with."""
    history = [
        {k: v for k, v in row.items() if k != "dur"} for row in net.train_history_
    ]
    values = [v.get_value() for v in net.train_iter_.get_shared()]
    stopping = [c for c in net.on_epoch_finished if isinstance(c, EarlyStopping)]
    return history, values, [(c.__getstate__(), c.best_weights) for c in stopping]


def check_same(net, expected):
    for ours, theirs in zip(everything(net), everything(expected), strict=True):
        np.testing.assert_equal(ours, theirs)


@pytest.mark.parametrize("kind", [plain, eventful])
@parametrize("epoch", [3, 4, 6], fast=[3])
def test_it_goes_on_as_if_nothing_had_happened(way, path, kind, epoch):
    expected = trained(kind)
    killed(kind, path, epoch)
    np.random.seed(1)  # noqa: NPY002
    checkpoint = Checkpoint(path, resume=True)
    net = trained(kind, checkpoint)
    assert checkpoint.resumed == (epoch - 1) // 2 * 2
    check_same(net, expected)


def test_a_second_training_that_is_ended_goes_on_too(path):
    def twice(*callbacks):
        np.random.seed(7)  # noqa: NPY002
        net, (X, y) = eventful()
        net.seed(7).fit(X, y)
        net.on_epoch_finished += callbacks
        return net, X, y

    expected, X, y = twice()
    expected.fit(X, y)
    net, X, y = twice(Checkpoint(path, epochs=1))
    fate.add(10)
    with pytest.raises(Killed):
        net.fit(X, y)
    fate.clear()
    net, X, y = twice(Checkpoint(path, resume=True))
    net.fit(X, y)
    assert len(net.train_history_) == 12
    check_same(net, expected)


# --- What does not go on --------------------------------------------------------------


def other_data(**changes):
    net, (X, y) = plain(**changes)
    X = X.copy()
    X[3, 7] += 0.5
    return net, (X, y)


def other_split(**changes):
    net, (X, y) = plain(**changes)
    return net, (X[::-1].copy(), y[::-1].copy())


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (lambda c: other_data(on_epoch_finished=[c, Fate()]), {}, "other data"),
        (lambda c: other_split(on_epoch_finished=[c, Fate()]), {}, "other data"),
        (plain, dict(seed=8), "seed was 7, is 8"),
        (plain, dict(max_epochs=7), "ly: the number of epochs was 6, is 7. Set"),
        (plain, dict(update_momentum=0.8), "update_momentum was 0.9, is 0.8"),
        (plain, dict(hidden_num_units=5), "ly: hidden_num_units was 4, is 5. Set"),
        (
            plain,
            dict(batch_iterator_train=FlipBatchIterator(batch_size=128)),
            "batch_iterator_train was BatchIterator, is FlipBatchIterator. Set",
        ),
        (plain, dict(output_nonlinearity=tanh), "nonlinearity was None, is tanh. Set"),
        (
            lambda c, **kw: plain(c, EarlyStopping(), **kw),
            {},
            r"the list of callbacks was \[Fate\], is \[EarlyStopping, Fate\]. Set",
        ),
    ],
)
def test_another_training_is_an_error(path, kind, changes, message):
    killed(plain, path, 3)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=message):
        trained(kind, Checkpoint(path, epochs=1, resume=True), **changes)
    assert path.read_bytes() == before
    assert not Checkpoint(path).previous.exists()


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_one_gives_way_to_the_one_before(path):
    expected = trained(plain)
    killed(plain, path, 5)
    damage(path)
    checkpoint = Checkpoint(path, resume=True)
    with pytest.warns(RuntimeWarning, match=f"{path} is dam.*resuming from the one"):
        net = trained(plain, checkpoint)
    assert checkpoint.resumed == 2
    check_same(net, expected)

    killed(plain, path, 5)
    path.unlink()  # as when the machine stops between the two renamings
    check_same(trained(plain, checkpoint), expected)
    assert checkpoint.resumed == 2


def test_two_damaged_ones_are_an_error(path):
    killed(plain, path, 5)
    checkpoint = Checkpoint(path, resume=True)
    for file in (path, checkpoint.previous):
        damage(file)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=f"{path} is damaged.*previous"):
        trained(plain, checkpoint)
    assert path.read_bytes() == before


def test_another_file_is_an_error(path):
    path.write_text("hello")
    with pytest.raises(CheckpointError, match="or not a checkpoint saved by kfkd"):
        trained(plain, Checkpoint(path, resume=True))


def test_without_one_training_begins(path):
    checkpoint = Checkpoint(path, resume=True)
    check_same(trained(plain, checkpoint), trained(plain))
    assert checkpoint.resumed == 0


# --- When it is saved -----------------------------------------------------------------


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
    write = checkpoint.arrays.write

    def noted(path, kind, arrays, about):
        epochs.append(len(about["history"]))
        write(path, kind, arrays, about)

    monkeypatch.setattr(checkpoint.arrays, "write", noted)
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
    fate.add(5)
    with pytest.raises(Killed):
        trained(plain, clock, Checkpoint(path, minutes=2))
    assert saved == [3, 4]  # Fate ended the fifth epoch before it was heard of


def test_the_first_epoch_is_enough_to_go_on_from(path, clock, saved, monkeypatch):
    monkeypatch.setattr(checkpoint, "_PAUSE", 1000)
    fate.add(2)
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


def test_training_goes_on_where_nothing_can_be_written(tmp_path):
    checkpoint = Checkpoint(tmp_path / "none" / "net.checkpoint", epochs=6)
    with pytest.warns(RuntimeWarning, match="there is no folder"):
        net = trained(plain, checkpoint)
    assert len(net.train_history_) == 6


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
