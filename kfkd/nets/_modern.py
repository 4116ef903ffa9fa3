"""Definition of a net of today, in steps from the tutorial's net2.

The tutorial ends by inviting its readers to try ideas of their own.  These are what ten
years of practice would do otherwise, with the same data and a smaller net.
"""

import theano
from lasagne import init, layers, updates
from lasagne.layers import BatchNormLayer
from nolearn.lasagne import BatchIterator

from kfkd.augment import AffineBatchIterator
from kfkd.callbacks import OneCycle
from kfkd.data import ALL_COLUMNS
from kfkd.init import AverageFace
from kfkd.mirrored import flip_pairs
from kfkd.nets._tutorial import float32, net2
from kfkd.objectives import masked_squared_error

__all__ = ["adam", "affine", "modern", "norm", "rows", "sources"]


def rows():
    """Return net2 that learns from all rows: missing labels are left out of the loss.

    For ``load2d(missing="keep")``.
    """
    return net2() | dict(objective_loss_function=masked_squared_error)


def sources():
    """Return `rows` with outputs of its own for what sparse rows mark otherwise.

    For ``load2d(ALL_COLUMNS, missing="keep")``; see `kfkd.data.columns`.
    """
    return rows() | dict(output_num_units=len(ALL_COLUMNS))


def norm():
    """Return a smaller net than `sources`, with batch normalization.

    With the initial weights of He et al., "Delving deep into rectifiers", 2015, and the
    normalization of Ioffe and Szegedy, "Batch normalization", 2015, after pooling,
    which makes it cheap.  It begins with the average face.
    """
    definition = sources()
    for name in ("hidden5_num_units", "hidden4_num_units"):
        del definition[name]
    parts = [("input", layers.InputLayer)]
    for i, (size, stride) in enumerate([(5, 2), (3, 1), (3, 1)], start=1):
        parts += [
            (f"conv{i}", layers.Conv2DLayer),
            (f"pool{i}", layers.MaxPool2DLayer),
            (f"norm{i}", BatchNormLayer),
            (f"relu{i}", layers.NonlinearityLayer),
        ]
        definition |= {
            f"conv{i}_filter_size": (size, size),
            f"conv{i}_stride": (stride, stride),
            f"conv{i}_pad": size // 2,
        }
        definition |= _before_norm(f"conv{i}")
    parts += [
        ("hidden4", layers.DenseLayer),
        ("norm4", BatchNormLayer),
        ("relu4", layers.NonlinearityLayer),
        ("dropout4", layers.DropoutLayer),
        ("output", layers.DenseLayer),
    ]
    return definition | dict(
        layers=parts,
        hidden4_num_units=256,
        dropout4_p=0.3,
        output_W=init.Normal(0.01),
        output_b=AverageFace(ALL_COLUMNS),
        **_before_norm("hidden4"),
    )


def _before_norm(name):
    """Return the parameters of a layer that batch normalization follows."""
    return {
        f"{name}_W": init.HeNormal(gain="relu"),
        f"{name}_b": None,
        f"{name}_nonlinearity": None,
    }


def adam():
    """Return `norm`, trained by Adam in small batches, at a rate that rises and falls.

    Kingma and Ba, "Adam", 2015; for the rate see `OneCycle`.
    """
    definition = norm()
    del definition["update_momentum"]
    return definition | dict(
        update=updates.adam,
        update_learning_rate=theano.shared(float32(0.003)),
        on_epoch_finished=[OneCycle("update_learning_rate", peak=0.003, warmup=0.2)],
        batch_iterator_train=BatchIterator(32, shuffle=True),
        max_epochs=120,
    )


def affine():
    """Return `adam` with images that are turned, scaled, shifted and flipped."""
    pairs = flip_pairs(ALL_COLUMNS)
    iterator = AffineBatchIterator(32, shuffle=True, flip_indices=pairs)
    return adam() | dict(batch_iterator_train=iterator)


def modern():
    """Return `affine`, whose predictions are averaged over mirrored images."""
    return affine() | dict(mirror=True)
