"""The training loop against nolearn's own, on the device and batch by batch."""

import nolearn.lasagne
import numpy as np
import pytest
import theano
from lasagne import layers, nonlinearities
from nolearn.lasagne import BatchIterator, TrainSplit

from kfkd.augment import FlipBatchIterator
from kfkd.callbacks import AdjustVariable
from kfkd.errors import DivergedError
from kfkd.training import epochs, loop
from kfkd.xla import formulations
from tests.helpers import small_faces
from tests.helpers.cases import parametrize

pytestmark = pytest.mark.gpu

IMAGES = dict(input_shape=(None, 1, 96, 96))


def plain():
    return small_faces.small(), small_faces.rows()


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


def run(net, X, y, n_epochs):
    loop.TrainingLoop(net, X, y, n_epochs).run()


@pytest.fixture
def loops(monkeypatch):
    """Let this device run loops over all graphs, as a GPU does."""
    monkeypatch.setattr(formulations, "loops", lambda nodes: True)


@pytest.fixture
def ways(monkeypatch):
    """A list of the ways in which epochs have been started."""
    taken = []
    for kind in (epochs.OnDevice, epochs.BatchWise):

        def start(self, _start=kind.start):
            taken.append(type(self).__name__)
            return _start(self)

        monkeypatch.setattr(kind, "start", start)
    return taken


def check_equal(net, expected):
    ours, theirs = net.train_history_, expected.train_history_
    assert [row.keys() for row in ours] == [row.keys() for row in theirs]
    for name in ours[0]:
        if name != "dur":
            np.testing.assert_allclose(
                [row[name] for row in ours],
                [row[name] for row in theirs],
                rtol=1e-5,
                err_msg=name,
            )
    for a, b in zip(net.get_all_params(), expected.get_all_params(), strict=True):
        np.testing.assert_allclose(a.get_value(), b.get_value(), rtol=1e-4, atol=1e-6)


def trained(kind, way):
    net, (X, y) = kind()
    net.seed(7).initialize()
    # A second training goes on with the first one's history and random numbers.
    for n_epochs in (3, 2):
        way(net, X.copy(), y.copy(), n_epochs)
    return net


@parametrize("kind", KINDS, fast=FAST)
def test_epochs_on_the_device_are_nolearns(loops, ways, kind):
    net = trained(kind, run)
    assert ways == ["OnDevice"] * 5
    check_equal(net, trained(kind, nolearn.lasagne.NeuralNet.train_loop))


@parametrize("kind", KINDS, fast=FAST)
def test_epochs_batch_by_batch_are_nolearns(monkeypatch, ways, kind):
    monkeypatch.setattr(formulations, "loops", lambda nodes: False)
    net = trained(kind, run)
    assert ways == ["BatchWise"] * 5
    check_equal(net, trained(kind, nolearn.lasagne.NeuralNet.train_loop))


# --- Which way is taken ---------------------------------------------------------------


class Negative(BatchIterator):
    def transform(self, Xb, yb):
        return 1 - Xb, yb


class Backwards(FlipBatchIterator):
    def transform(self, Xb, yb):
        return Xb[..., ::-1], yb


class Halves(BatchIterator):
    def __iter__(self):
        yield from (self.transform(self.X[i::2], self.y[i::2]) for i in range(2))


class Bare(BatchIterator):
    shuffle = False

    def __init__(self):
        self.batch_size, self.random = 16, np.random.RandomState(0)


def secretive():
    """Return an iterator that cannot be pickled."""
    iterator = BatchIterator(batch_size=16)
    iterator.note = lambda: None
    return iterator


def thirds(X, y=None):
    """Yield batches as no object of nolearn's does."""
    yield from ((X[i::3], None if y is None else y[i::3]) for i in range(3))


class OwnStep:
    @staticmethod
    def apply_batch_func(func, Xb, yb=None):
        return func(Xb) if yb is None else func(Xb, yb)


def callback(net, train_history):
    """Do nothing."""


@parametrize(
    "changes",
    [
        dict(batch_iterator_train=Negative(batch_size=16)),
        dict(batch_iterator_train=Backwards(batch_size=16), **IMAGES),
        dict(batch_iterator_test=Halves(batch_size=16)),
        dict(batch_iterator_train=Bare()),
        dict(batch_iterator_train=secretive()),
        dict(batch_iterator_test=thirds),
        dict(on_batch_finished=[callback]),
        dict(on_batch_finished=callback),
        dict(custom_scores=[("off", lambda y, p: abs(y - p).mean())]),
    ],
    fast=4,
)
def test_who_wants_to_see_each_batch_does(loops, ways, changes):
    def kind():
        rows = "input_shape" not in changes
        return small_faces.small(
            **changes
        ), small_faces.rows() if rows else small_faces.images()

    net = trained(kind, run)
    assert ways == ["BatchWise"] * 5
    check_equal(net, trained(kind, nolearn.lasagne.NeuralNet.train_loop))


def test_a_net_with_a_step_of_its_own_keeps_it(ways):
    class Net(OwnStep, type(small_faces.small())):
        pass

    def kind():
        return small_faces.small(kind=Net), small_faces.rows()

    net = trained(kind, run)
    assert ways == ["BatchWise"] * 5
    check_equal(net, trained(plain, nolearn.lasagne.NeuralNet.train_loop))


def test_another_choice_of_flips_is_made_on_the_device_too(loops, ways):
    class All(FlipBatchIterator):
        def draw(self, n):
            return np.ones(n, dtype=bool)

    def kind():
        net = small_faces.small(batch_iterator_train=All(batch_size=16), **IMAGES)
        return net, small_faces.images()

    net = trained(kind, run)
    assert ways == ["OnDevice"] * 5
    check_equal(net, trained(kind, nolearn.lasagne.NeuralNet.train_loop))


def test_data_too_large_for_the_device_go_batch_by_batch(monkeypatch, loops, ways):
    monkeypatch.setattr(epochs, "free_memory", lambda: 2**20)
    net = trained(plain, run)
    assert ways == ["BatchWise"] * 5
    check_equal(net, trained(plain, nolearn.lasagne.NeuralNet.train_loop))


def test_batch_by_batch_the_next_one_is_prepared_while_the_device_computes(ways):
    net, (X, y) = plain()
    net.batch_iterator_train = Negative(batch_size=4)
    read = []

    class Loss:
        """A result that tells when somebody waits for it."""

        def __init__(self, value):
            self.value = value

        def __array__(self, dtype=None, copy=None):
            read.append(self)
            return np.asarray(self.value, dtype)

    net.initialize()
    step, waiting = net.train_iter_, []

    def late(*batch):
        waiting.append(len(read))
        return [Loss(value) for value in step(*batch)]

    net.train_iter_ = late
    net.fit(X, y, epochs=1)
    # The first batches are handed over before any loss is asked for.
    assert waiting[:3] == [0, 0, 0]
    assert waiting[-1] > 0  # but not all of them


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


def test_flips_that_have_been_redefined_are_the_new_ones(loops):
    def flips(pairs):
        net = small_faces.small(
            batch_iterator_train=FlipBatchIterator(16), **IMAGES
        ).seed(3)
        for pair in pairs:
            net.batch_iterator_train.flip_indices = [pair]
            net.fit(*small_faces.images(), epochs=1)
        return [row["train_loss"] for row in net.train_history_]

    assert flips([(0, 2), (0, 2)])[1] != flips([(0, 2), (4, 6)])[1]


# --- Changes while a net trains -------------------------------------------------------


class Change:
    """A callback that changes the net after its second epoch."""

    def __init__(self, change):
        self.change = change

    def __call__(self, net, train_history):
        if len(train_history) == 2:
            self.change(net)


def grow_batches(net):
    net.batch_iterator_train.batch_size = 20


def take_another_iterator(net):
    net.batch_iterator_train = FlipBatchIterator(batch_size=16, seed=3)


def swap_other_columns(net):
    net.batch_iterator_train.flip_indices = [(0, 2)]


def swap_other_columns_in_place(net):
    del net.batch_iterator_train.flip_indices[3:]


def take_an_iterator_of_ones_own(net):
    net.batch_iterator_train = Backwards(batch_size=16)


def take_one_that_cannot_be_compared(net):
    net.batch_iterator_train = secretive()


def watch_each_batch(net):
    net.on_batch_finished.append(callback)


@parametrize(
    ("change", "then"),
    [
        (grow_batches, "OnDevice"),
        (take_another_iterator, "OnDevice"),
        (swap_other_columns, "OnDevice"),
        (swap_other_columns_in_place, "OnDevice"),
        (take_an_iterator_of_ones_own, "BatchWise"),
        (take_one_that_cannot_be_compared, "BatchWise"),
        (watch_each_batch, "BatchWise"),
    ],
    fast=[
        (grow_batches, "OnDevice"),
        (swap_other_columns, "OnDevice"),
        (take_an_iterator_of_ones_own, "BatchWise"),
        (watch_each_batch, "BatchWise"),
    ],
)
def test_what_a_callback_changes_holds_from_the_next_epoch(loops, ways, change, then):
    def kind():
        net = small_faces.small(
            batch_iterator_train=FlipBatchIterator(batch_size=9, shuffle=True),
            on_epoch_finished=[Change(change)],
            **IMAGES,
        )
        return net, small_faces.images()

    net = trained(kind, run)
    assert ways == ["OnDevice"] * 2 + [then] * 3
    check_equal(net, trained(kind, nolearn.lasagne.NeuralNet.train_loop))


# --- Losses that are not finite -------------------------------------------------------


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


def test_there_need_be_no_validation_loss():
    net = small_faces.small(train_split=TrainSplit(eval_size=0))
    net.fit(*small_faces.rows(20), epochs=1)
    assert np.isnan(net.train_history_[0]["valid_loss"])
