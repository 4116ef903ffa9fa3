"""The trained net that comes with the package.

>>> from kfkd import prediction, weights
>>> prediction.predict(weights.load(), X)

It is modern of ``kfkd.nets``, trained on drawn faces alone.  ``README.md`` beside its
file says by which command, how good it is, and what it is not for.
"""

from pathlib import Path

from kfkd import storage
from kfkd.estimator import NeuralNet

__all__ = ["PATH", "load"]

PATH = Path(__file__).with_name("modern.npz")


def load() -> NeuralNet:
    """Return the net, trained.

    Returns
    -------
    NeuralNet
        With 38 outputs, in the order of ``kfkd.data.ALL_COLUMNS``.  Each call returns
        another, which may be trained further.
    """
    net = storage.load(PATH)
    assert isinstance(net, NeuralNet)
    return net
