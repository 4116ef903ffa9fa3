"""Schedules, on kfkd's nets and on nolearn's own."""

import types

import nolearn.lasagne
import numpy as np
import pytest
import sklearn.base
import theano

from kfkd.callbacks import AdjustVariable, CosineAnnealing, OneCycle
from kfkd.errors import ArgumentError
from tests.helpers import small_faces
from tests.helpers.small_faces import Record
from tests.helpers.small_nets import regressor, rows


def hidden(net):
    return net.get_all_params_values()["hidden"][0].copy()


def scheduled(max_epochs, epoch, dtype="float32"):
    net = types.SimpleNamespace(
        rate=theano.shared(np.asarray(7, dtype)), max_epochs=max_epochs
    )
    AdjustVariable("rate", start=0.03, stop=0.001)(net, [{"epoch": epoch}])
    assert net.rate.get_value().dtype == net.rate.dtype == dtype
    return float(net.rate.get_value())


@pytest.mark.parametrize(
    ("epoch", "share"), [(1, 0), (2, 1 / 20), (11, 1 / 2), (21, 1), (22, 1), (99, 1)]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_variable_goes_straight_from_start_to_stop(epoch, share, dtype):
    value = 0.03 - share * (0.03 - 0.001)
    assert scheduled(21, epoch, dtype) == pytest.approx(value, rel=1e-6)


def test_a_single_epoch_stays_at_the_start():
    assert scheduled(1, 1) == scheduled(1, 2) == np.float32(0.03)


def adjusted(record, max_epochs=3):
    return small_faces.small(
        update_learning_rate=theano.shared(np.float32(0.03)),
        on_epoch_finished=[
            AdjustVariable("update_learning_rate", start=0.03, stop=0.01),
            record,
        ],
        max_epochs=max_epochs,
    )


def rate(net):
    return float(net.update_learning_rate.get_value())


def test_the_schedule_holds_on_a_second_fit_and_begins_again_in_a_clone():
    net = adjusted(Record(rate))
    net.fit(*small_faces.rows())
    net.fit(*small_faces.rows(), epochs=2)
    seen = net.on_epoch_finished[1].values
    assert seen == pytest.approx([0.03, 0.02, 0.01, 0.01, 0.01])

    begins = []
    clone = sklearn.base.clone(net)
    clone.on_epoch_finished[1].values.clear()
    clone.on_batch_finished = [lambda net, history: begins.append(rate(net))]
    clone.max_epochs = 5
    clone.fit(*small_faces.rows())
    assert begins[0] == np.float32(0.03)  # not the 0.01 that the first has come to
    seen = clone.on_epoch_finished[1].values
    assert seen == pytest.approx([0.03, 0.025, 0.02, 0.015, 0.01])
    assert rate(net) == np.float32(0.01)


def test_the_update_uses_the_variable():
    net = adjusted(Record(hidden), max_epochs=2)
    net.on_epoch_finished[0] = AdjustVariable("update_learning_rate", 0.0, 0.0)
    net.update_momentum = 0.0
    net.seed(0).initialize()
    before = hidden(net)
    net.fit(*small_faces.rows())
    for after in net.on_epoch_finished[1].values:
        assert np.array_equal(after, before)


@pytest.mark.parametrize("kind", [0, 1])
def test_a_number_cannot_be_adjusted(kind):
    NeuralNet = (small_faces.NeuralNet, nolearn.lasagne.NeuralNet)[kind]
    net = small_faces.small(
        NeuralNet, on_epoch_finished=[AdjustVariable("update_momentum")]
    )
    with pytest.raises(ArgumentError, match=r"momentum is 0\.9, but must be a shared"):
        net.fit(*small_faces.rows())
    assert len(net.train_history_) == kind  # ours finds out before it trains


@pytest.mark.parametrize("rate", [theano.shared(np.int16(1)), theano.shared(1), 0.1])
def test_a_schedule_needs_a_shared_variable_of_floats(rate):
    net = regressor(update_learning_rate=rate)
    net.on_epoch_finished = [AdjustVariable("update_learning_rate", 0.1, 0.01)]
    with pytest.raises(ArgumentError, match="must be a shared variable of floats, as"):
        net.fit(*rows())
    assert net.train_history_ == []


@pytest.mark.parametrize("value", ["0.1", None, np.nan])
def test_a_schedule_needs_numbers(value):
    with pytest.raises(
        ArgumentError, match=r"^start is .*; it must be a finite number"
    ):
        AdjustVariable("update_learning_rate", value, 0.01)
    with pytest.raises(ArgumentError, match=r"^stop is .*; it must be a finite num"):
        AdjustVariable("update_learning_rate", 0.1, value)


RATES = [
    # By hand, of four and of five epochs.
    (CosineAnnealing("rate", 0.4, 0.2), 4, [0.4, 0.2 + 0.1 * (1 + 2**-0.5), 0.3]),
    (OneCycle("rate", 1.0, start=0.2, warmup=0.4), 5, [0.2, 0.6, 1.0, 0.75, 0.25]),
    (OneCycle("rate", 1.0, warmup=0), 2, [1.0, 0.5]),
    (OneCycle("rate", 1.0, warmup=1), 2, [0.04, 0.52]),
]


@pytest.mark.parametrize(("schedule", "max_epochs", "expected"), RATES)
def test_a_curve_goes_through_these_points(schedule, max_epochs, expected):
    net = types.SimpleNamespace(
        rate=theano.shared(np.float32(7)), max_epochs=max_epochs
    )
    schedule.on_training_started(net, [])
    found = [net.rate.get_value()]
    for epoch in range(1, len(expected)):
        schedule(net, [{"epoch": epoch}])
        found.append(net.rate.get_value())
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    last = schedule.peak if getattr(schedule, "warmup", 0) == 1 else schedule.stop
    for epoch in (max_epochs, max_epochs + 3):
        schedule(net, [{"epoch": epoch}])
        assert net.rate.get_value() == pytest.approx(last, abs=1e-7)


def test_a_curve_has_no_state():
    record = Record(rate)
    net = small_faces.small(
        update_learning_rate=theano.shared(np.float32(7)),
        on_epoch_finished=[OneCycle("update_learning_rate", 0.02), record],
        max_epochs=4,
    )
    net.fit(*small_faces.rows())
    whole = [*record.values]
    again = sklearn.base.clone(net)
    again.fit(*small_faces.rows(), epochs=2)
    again.fit(*small_faces.rows(), epochs=2)
    assert again.on_epoch_finished[1].values == whole
    assert whole[-1] == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OneCycle("rate", "high"), "peak is 'high'"),
        (lambda: OneCycle("rate", 1, start=np.inf), "start is inf"),
        (lambda: OneCycle("rate", 1, warmup=1.5), "warmup is 1.5; it must be from 0"),
        (lambda: CosineAnnealing("rate", 1, None), "stop is None"),
    ],
)
def test_curves_need_numbers(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
