"""The training loop against nolearn's own, on the device and batch by batch."""

import numpy as np
import pytest
import theano
from lasagne import layers, nonlinearities
from nolearn.lasagne import BatchIterator, TrainSplit

from kfkd.augment import FlipBatchIterator
from kfkd.callbacks import AdjustVariable
from kfkd.errors import DivergedError
from kfkd.xla import formulations
from tests.helpers import small_faces
from tests.helpers.cases import parametrize
from tests.helpers.nolearn_loop import (
    IMAGES,
    NOLEARN,
    check_equal,
    plain,
    run,
    trained,
)

pytestmark = pytest.mark.gpu


def without_validation():
    return small_faces.small(train_split=TrainSplit(eval_size=0)), small_faces.rows(20)


def whole_batches_only():
    iterator = BatchIterator(batch_size=8)
    return small_faces.small(batch_iterator_train=iterator), small_faces.rows(40)


def dropout_flips_and_a_schedule():
    net = small_faces.small(
        layers=[
            ("input", layers.InputLayer),
            ("dropout", layers.DropoutLayer),
            ("hidden", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ],
        batch_iterator_train=FlipBatchIterator(batch_size=9),
        update_learning_rate=theano.shared(np.float32(0.03)),
        on_epoch_finished=[AdjustVariable("update_learning_rate", 0.03, 0.01)],
        **IMAGES,
    )
    return net, small_faces.images()


def shuffled():
    net = small_faces.small(
        batch_iterator_train=FlipBatchIterator(batch_size=9, shuffle=True),
        batch_iterator_test=BatchIterator(batch_size=4, shuffle=True),
        **IMAGES,
    )
    return net, small_faces.images()


def convolutions():
    net = small_faces.small(
        layers=[
            ("input", layers.InputLayer),
            ("conv", layers.Conv2DLayer),
            ("pool", layers.MaxPool2DLayer),
            ("hidden", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ],
        conv_num_filters=2,
        conv_filter_size=(3, 3),
        pool_pool_size=(8, 8),
        batch_iterator_train=FlipBatchIterator(batch_size=16),
        **IMAGES,
    )
    return net, small_faces.images()


def further_scores():
    net = small_faces.small(
        scores_train=[("off", lambda p, y: abs(p[0] - y).mean())],
        scores_valid=[("far", lambda p, y: abs(p[0] - y).max())],
    )
    return net, small_faces.rows()


def classes():
    X, y = small_faces.rows()
    labels = np.digitize(y[:, 0], np.quantile(y[:, 0], [0.3, 0.6])).astype("int32")
    net = small_faces.small(
        regression=False,
        output_num_units=3,
        output_nonlinearity=nonlinearities.softmax,
    )
    return net, (X, labels)


KINDS = [
    plain,
    without_validation,
    whole_batches_only,
    dropout_flips_and_a_schedule,
    shuffled,
    convolutions,
    further_scores,
    classes,
]
FAST = [
    plain,
    without_validation,
    whole_batches_only,
    dropout_flips_and_a_schedule,
    further_scores,
]


@parametrize("kind", KINDS, fast=FAST)
def test_epochs_on_the_device_are_nolearns(loops, ways, kind):
    net = trained(kind, run)
    assert ways == ["OnDevice"] * 5
    check_equal(net, trained(kind, NOLEARN))


@parametrize("kind", KINDS, fast=FAST)
def test_epochs_batch_by_batch_are_nolearns(monkeypatch, ways, kind):
    monkeypatch.setattr(formulations, "loops", lambda nodes: False)
    net = trained(kind, run)
    assert ways == ["BatchWise"] * 5
    check_equal(net, trained(kind, NOLEARN))


def test_the_training_data_stay_as_they_are(loops):
    net, (X, y) = shuffled()
    assert not X.flags.writeable  # or there would be nothing to see
    net.fit(X, y)


def test_a_second_training_makes_no_new_programs(loops, monkeypatch):
    net, (X, y) = dropout_flips_and_a_schedule()
    net.partial_fit(X, y)
    monkeypatch.setattr("kfkd.xla.lowering.Program.__call__", None)
    net.partial_fit(X, y)
    assert len(net.train_history_) == 2


@pytest.mark.parametrize("loop", [True, False])
def test_a_loss_that_is_not_finite_ends_training_with_the_weights_from_before(
    monkeypatch, loop
):
    monkeypatch.setattr(formulations, "loops", lambda nodes: loop)

    def spoil(net, train_history):
        if len(train_history) == 2:
            before.extend(p.get_value() for p in net.get_all_params())
            net.update_learning_rate.set_value(np.float32(1e30))

    before, rate = [], theano.shared(np.float32(0.01))
    net = small_faces.small(update_learning_rate=rate, on_epoch_finished=[spoil])
    X, y = (part.copy() for part in small_faces.rows())
    y[17, 3] = 1e6
    with pytest.raises(DivergedError) as error:
        net.fit(X, y, epochs=9)
    assert len(net.train_history_) == 2
    for param, value in zip(net.get_all_params(), before, strict=True):
        np.testing.assert_array_equal(param.get_value(), value)
    message = str(error.value)
    assert message.startswith("In epoch 3, the loss has become ")
    assert "smaller update_learning_rate; it was 1e+30" in message
    assert "Row 17 of y has values up to 1e+06, where 0." in message
