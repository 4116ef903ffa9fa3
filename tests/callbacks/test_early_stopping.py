"""Early stopping, on kfkd's nets and on nolearn's own."""

import copy
import re

import nolearn.lasagne
import numpy as np
import pytest
import sklearn.base

from kfkd.callbacks import AdjustVariable, EarlyStopping
from kfkd.errors import ArgumentError
from tests.helpers import small_faces
from tests.helpers.small_faces import Record


class Losses:
    """A callback that replaces the validation losses by others."""

    def __init__(self, losses):
        self.losses = list(losses)

    def __call__(self, net, train_history):
        train_history[-1]["valid_loss"] = self.losses.pop(0)


class Interrupt:
    """A callback that presses Ctrl-C after some epochs."""

    def __init__(self, after):
        self.after = after

    def __call__(self, net, train_history):
        if train_history[-1]["epoch"] == self.after:
            raise KeyboardInterrupt


def hidden(net):
    return net.get_all_params_values()["hidden"][0].copy()


def stopping(losses, *more, patience=2, **changes):
    record = Record(hidden)
    net = small_faces.small(
        on_epoch_finished=[Losses(losses), record, EarlyStopping(patience), *more],
        **changes,
    )
    return net, record, net.on_epoch_finished[2]


LOSSES = [0.5, 0.3, 0.4, 0.3, 0.35, 0.1]


@pytest.mark.parametrize(
    "NeuralNet", [small_faces.NeuralNet, nolearn.lasagne.NeuralNet]
)
def test_training_stops_after_patience_with_the_best_weights(NeuralNet, capsys):
    net, record, stop = stopping(LOSSES, max_epochs=9, kind=NeuralNet, verbose=1)
    net.fit(*small_faces.rows())
    assert len(net.train_history_) == 5  # the best is 2, and 5 > 2 + patience
    assert (stop.best_valid, stop.best_valid_epoch) == (0.3, 2)
    assert np.array_equal(hidden(net), record.values[1])
    assert not np.array_equal(hidden(net), record.values[4])
    message = "Early stopping.\nBest valid loss was 0.300000 at epoch 2.\n"
    assert capsys.readouterr().out.count(message) == 1


def test_a_quiet_net_stops_in_silence(capsys):
    net, *_ = stopping(LOSSES, max_epochs=9, verbose=0)
    net.fit(*small_faces.rows())
    assert len(net.train_history_) == 5
    assert capsys.readouterr().out == ""


def test_the_best_weights_can_be_looked_at():
    seen = []

    def look(net, train_history):
        seen.append((net.get_all_params_values(), stop.best_weights))

    net, _, stop = stopping(LOSSES, max_epochs=3)
    net.on_epoch_finished.append(look)
    assert stop.best_weights is None
    net.fit(*small_faces.rows())
    for epoch in (1, 2):  # of which the second is the best
        expected, found = seen[1][0], seen[epoch][1]
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            assert all(map(np.array_equal, found[name], values)), name
    assert copy.deepcopy(stop).best_weights is None


def test_the_best_weights_come_back_at_the_last_epoch(capsys):
    net, record, stop = stopping(LOSSES, max_epochs=4)
    net.fit(*small_faces.rows())
    assert len(net.train_history_) == 4
    assert stop.best_valid_epoch == 2
    assert np.array_equal(hidden(net), record.values[1])
    assert capsys.readouterr().out == ""


def test_the_best_weights_come_back_on_ctrl_c():
    net, record, _ = stopping(LOSSES, Interrupt(3), max_epochs=9)
    net.fit(*small_faces.rows())
    assert net.interrupted_
    assert len(net.train_history_) == 3
    assert np.array_equal(hidden(net), record.values[1])


def test_a_second_fit_starts_afresh():
    net, record, stop = stopping([0.1, 0.2, 0.9, 0.8, 0.7], max_epochs=2)
    net.fit(*small_faces.rows())
    assert stop.best_valid_epoch == 1
    net.fit(*small_faces.rows(), epochs=3)
    assert (stop.best_valid, stop.best_valid_epoch) == (0.7, 5)
    assert np.array_equal(hidden(net), record.values[4])


@pytest.mark.parametrize(
    "NeuralNet", [small_faces.NeuralNet, nolearn.lasagne.NeuralNet]
)
def test_a_clone_starts_afresh(NeuralNet):
    net, _, _ = stopping([0.1, 0.2], max_epochs=2, kind=NeuralNet)
    net.fit(*small_faces.rows())
    clone = sklearn.base.clone(net)
    clone.on_epoch_finished[0].losses = [0.9, 0.8]
    clone.fit(*small_faces.rows())
    stop = clone.on_epoch_finished[2]
    assert (stop.best_valid, stop.best_valid_epoch) == (0.8, 2)


def test_plain_nolearn_gives_the_best_weights_back_if_told_to():
    net, record, stop = stopping(LOSSES, max_epochs=4, kind=nolearn.lasagne.NeuralNet)
    net.on_training_finished = [stop.on_training_finished]
    net.fit(*small_faces.rows())
    assert np.array_equal(hidden(net), record.values[1])


def test_a_failed_start_leaves_the_weights_alone():
    net, _, _ = stopping([0.1, 0.9, 0.5], max_epochs=2)
    net.fit(*small_faces.rows())
    net.partial_fit(*small_faces.rows())
    net.get_all_params()[0].set_value(np.zeros((9216, 4), "float32"))
    net.on_epoch_finished.insert(0, AdjustVariable("update_momentum"))
    with pytest.raises(ArgumentError):
        net.fit(*small_faces.rows())
    assert not hidden(net).any()


def test_no_validation_set_is_an_error():
    net, _, _ = stopping([])
    net.on_epoch_finished.pop(0)
    net.train_split = nolearn.lasagne.TrainSplit(eval_size=0)
    with pytest.raises(ArgumentError, match="EarlyStopping needs a validation loss"):
        net.fit(*small_faces.rows())


@pytest.mark.parametrize("patience", ["x", -3, float("nan"), None])
def test_a_patience_that_is_not_a_number_of_epochs(patience):
    message = f"^patience is {patience!r}; it must be a number of epochs, 0 or more$"
    with pytest.raises(ArgumentError, match=message):
        EarlyStopping(patience=patience)


def test_losses_that_become_nan_are_no_improvement():
    net, record, stop = stopping([0.2, *[np.nan] * 8], max_epochs=9)
    net.fit(*small_faces.rows())
    assert len(net.train_history_) == 4
    assert stop.best_valid_epoch == 1
    assert np.array_equal(hidden(net), record.values[0])


def epochs(text):
    """The epochs in the rows of a printed table."""
    return [int(n) for n in re.findall(r"^ +(\d+)  \| ", text, re.MULTILINE)]


def test_the_epoch_that_ends_training_is_printed(capsys):
    net, _, _ = stopping(LOSSES, max_epochs=9, verbose=1, log_every=4)
    net.fit(*small_faces.rows())
    out = capsys.readouterr().out
    rows, message = out.split("Early stopping.\n")
    assert epochs(rows) == [4, 5]
    assert message == "Best valid loss was 0.300000 at epoch 2.\n"
