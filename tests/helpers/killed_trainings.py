"""Trainings with a checkpoint, that are killed after some epoch."""

import collections
import random

import numpy as np
import pytest
import theano
from lasagne import layers

from kfkd.augment import FlipBatchIterator
from kfkd.callbacks import AdjustVariable, Callback, Checkpoint, EarlyStopping
from tests.helpers import small_faces


class Killed(Exception):
    pass


class KillAfter(Callback):
    """A callback that ends training after the epochs in `kill_after`."""

    def __call__(self, net, train_history):
        if train_history[-1]["epoch"] in kill_after:
            raise Killed

    def before_next_epoch(self, net, epoch):
        return True


kill_after = set()


class RandomRate:
    """A schedule of the learning rate that depends on a state of many kinds."""

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
    options = dict(max_epochs=6, on_epoch_finished=[*callbacks, KillAfter()])
    return small_faces.small(**options | changes), small_faces.rows()


def stateful(*callbacks, **changes):
    """A net with all that has a state: dropout, flips, shuffling, callbacks."""
    callbacks += (
        AdjustVariable("update_learning_rate", 0.03, 0.001),
        AdjustVariable("update_momentum", 0.9, 0.99),
        EarlyStopping(patience=3),
        RandomRate(),
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


def trained(kind, *callbacks, seed=7, **changes):
    np.random.seed(seed)  # noqa: NPY002
    net, (X, y) = kind(*callbacks, **changes)
    return net.seed(seed).fit(X, y)


def killed(kind, path, epoch, **changes):
    kill_after.add(epoch)
    with pytest.raises(Killed):
        trained(kind, Checkpoint(path, epochs=2), **changes)
    kill_after.clear()


def state_of(net):
    """Return the numbers that a net has come to, and those it would go on with."""
    history = [
        {k: v for k, v in row.items() if k != "dur"} for row in net.train_history_
    ]
    values = [v.get_value() for v in net.train_iter_.get_shared()]
    stopping = [c for c in net.on_epoch_finished if isinstance(c, EarlyStopping)]
    return history, values, [(c.__getstate__(), c.best_weights) for c in stopping]


def check_same(net, expected):
    for ours, theirs in zip(state_of(net), state_of(expected), strict=True):
        np.testing.assert_equal(ours, theirs)
