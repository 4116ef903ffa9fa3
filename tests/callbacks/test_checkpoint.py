"""A training that goes on from a checkpoint is, bit for bit, one that was not ended."""

import numpy as np
import pytest
import theano
from lasagne.nonlinearities import tanh

from kfkd.augment import FlipBatchIterator
from kfkd.callbacks import EarlyStopping
from kfkd.callbacks.checkpoint import Checkpoint, CheckpointError
from kfkd.xla import formulations
from tests.helpers.cases import parametrize
from tests.helpers.killed_trainings import (
    KillAfter,
    Killed,
    check_same,
    kill_after,
    killed,
    plain,
    stateful,
    trained,
)

pytestmark = pytest.mark.gpu


@pytest.fixture(params=["OnDevice", "BatchWise"])
def way(request, monkeypatch):
    monkeypatch.setattr(
        formulations, "loops", lambda nodes: request.param == "OnDevice"
    )


@pytest.mark.parametrize("kind", [plain, stateful])
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
        net, (X, y) = stateful()
        net.seed(7).fit(X, y)
        net.on_epoch_finished += callbacks
        return net, X, y

    expected, X, y = twice()
    expected.fit(X, y)
    net, X, y = twice(Checkpoint(path, epochs=1))
    kill_after.add(10)
    with pytest.raises(Killed):
        net.fit(X, y)
    kill_after.clear()
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
        (lambda c: other_data(on_epoch_finished=[c, KillAfter()]), {}, "other data"),
        (lambda c: other_split(on_epoch_finished=[c, KillAfter()]), {}, "other data"),
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
            r"the list of callbacks was \[KillAfter\], is \[EarlyStopping, KillAfter\]",
        ),
    ],
)
def test_another_training_is_an_error(path, kind, changes, message):
    killed(plain, path, 3)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=message):
        trained(kind, Checkpoint(path, epochs=1, resume=True), **changes)
    assert path.read_bytes() == before
    assert not Checkpoint(path).files.previous.exists()


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
    for file in checkpoint.files.existing():
        damage(file)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=f"{path} is damaged.*previous"):
        trained(plain, checkpoint)
    assert path.read_bytes() == before


def test_another_floatX_is_named(path):
    killed(plain, path, 5)
    with (
        theano.config.change_flags(floatX="float64"),
        pytest.raises(CheckpointError, match="floatX was 'float32', is 'float64'"),
    ):
        trained(plain, Checkpoint(path, resume=True))


def test_another_file_is_an_error(path):
    path.write_text("hello")
    with pytest.raises(CheckpointError, match="or not a checkpoint saved by kfkd"):
        trained(plain, Checkpoint(path, resume=True))


def test_without_one_training_begins(path):
    checkpoint = Checkpoint(path, resume=True)
    check_same(trained(plain, checkpoint), trained(plain))
    assert checkpoint.resumed == 0
