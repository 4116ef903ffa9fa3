"""Nets that are pickled, copied and cloned while they are trained."""

import copy
import pickle
import re

import nolearn.lasagne
import numpy as np
import pytest
from nolearn.lasagne import BatchIterator
from nolearn.lasagne.handlers import SaveWeights
from sklearn.base import clone

from kfkd.callbacks import EarlyStopping
from kfkd.callbacks.progress import PrintTables
from kfkd.estimator import NeuralNet
from tests.helpers.small_nets import regressor, rows

KINDS = pytest.mark.parametrize("kind", [NeuralNet, nolearn.lasagne.NeuralNet])
HOOKS = pytest.mark.parametrize("hook", ["on_epoch_finished", "on_batch_finished"])
WAYS = [lambda net: pickle.loads(pickle.dumps(net)), copy.deepcopy]


class Halved(BatchIterator):
    """Makes batches of its own, one by one."""

    def transform(self, Xb, yb):
        return Xb / 2, yb


class Copies:
    """Copies the net when it is first called, and notes what it predicts then."""

    def __init__(self, X):
        self.X, self.copies, self.size = X, [], None

    def __call__(self, net, train_history):
        if self.size is None:
            self.size = len(pickle.dumps(net))
            self.copies = [way(net) for way in WAYS]
            self.clone = clone(net)
            self.predictions = net.predict(self.X)

    def __getstate__(self):
        return {"X": None, "copies": [], "size": 0}


@KINDS
@HOOKS
@pytest.mark.parametrize("iterator", [BatchIterator, Halved])
def test_copies_have_the_weights_of_the_moment_and_no_data(kind, hook, iterator):
    X, y = rows(8000)
    copies = Copies(X[:5])
    changes = {hook: [copies], "batch_iterator_train": iterator(1000)}
    net = regressor(kind, **changes).fit(X, y)
    assert copies.size < 50_000 < X.nbytes / 4
    for made in copies.copies:
        np.testing.assert_allclose(made.predict(X[:5]), copies.predictions, atol=1e-6)
        before = len(made.train_history_)
        assert before == (hook == "on_epoch_finished")
        made.fit(X, y, epochs=1)
        assert len(made.train_history_) == before + 1
    assert not hasattr(copies.clone, "layers_")
    assert copies.clone.fit(X, y, epochs=1).train_history_[0]["epoch"] == 1
    assert len(net.train_history_) == 3


@pytest.mark.parametrize("way", [*WAYS, clone])
def test_copies_print_one_table(way, capsys):
    X, y = rows()
    made = []

    def copy_once(net, train_history):
        if not made:
            net.on_epoch_finished.remove(copy_once)
            made.append(way(net))

    regressor(verbose=1, on_epoch_finished=[copy_once]).fit(X, y)
    capsys.readouterr()
    made[0].fit(X, y, epochs=2)
    out = capsys.readouterr().out
    assert out.count("Train loss") == 1
    assert len(re.findall(r"^ +\d+  \|", out, re.MULTILINE)) == 2


def test_a_table_that_the_net_has_already_is_printed_once(capsys):
    regressor(verbose=1, on_epoch_finished=[PrintTables(2)]).fit(*rows())
    out = capsys.readouterr().out
    assert out.count("Train loss") == 1
    assert [line.split()[0] for line in out.splitlines()[-2:]] == ["2", "3"]


@KINDS
def test_save_weights_pickles_each_epoch(kind, tmp_path):
    X, y = rows()
    save = SaveWeights(str(tmp_path / "net-{epoch}.pickle"), pickle=True)
    stop = EarlyStopping(patience=50)
    net = regressor(kind, on_epoch_finished=[stop, save]).fit(X, y)
    found = []
    for epoch in (1, 2, 3):
        loaded = pickle.loads((tmp_path / f"net-{epoch:04d}.pickle").read_bytes())
        assert len(loaded.train_history_) == epoch
        found.append(loaded.predict(X))
    assert abs(found[0] - found[1]).max() > 1e-6
    np.testing.assert_allclose(found[2], net.predict(X), atol=1e-6)
