"""Names of the tutorial's ``kfkd.py``: where each is here, or what to use instead."""

from kfkd.choices import TUTORIAL_NETS

__all__ = ["HOMES", "INSTEAD"]

# The module that each name is in.
HOMES = {
    name: module
    for module, names in {
        "kfkd.augment": "FlipBatchIterator",
        "kfkd.callbacks": "AdjustVariable EarlyStopping",
        "kfkd.data": "load load2d",
        "kfkd.estimator": "NeuralNet",
        "kfkd.nets": " ".join(("float32", *TUTORIAL_NETS, "modern")),
        "kfkd.plots": "plot_learning_curves plot_sample plot_weights",
        "kfkd.specialists": "SPECIALIST_SETTINGS fit_specialists",
        "nolearn.lasagne": "BatchIterator",
    }.items()
    for name in names.split()
}

_FILES = (
    "kfkd.data.find({0!r}) finds the file, which may be in several places; "
    "kfkd.data.read({0!r}) reads it"
)
_DATA = "X, y = kfkd.load(), or load2d()"
_LOSSES = "net6.train_history_ has the losses; kfkd.plots draws them"
# The other names that the tutorial defines, and those that it imports.
INSTEAD = {
    "FTRAIN": _FILES.format("training"),
    "FTEST": _FILES.format("test"),
    "FLOOKUP": "kfkd.prediction.submission.read_lookup() reads the file",
    "X": _DATA,
    "y": _DATA,
    "fit": "net6.fit(X, y) trains a net, or `kfkd train net6`",
    "flip_indices": "kfkd.augment.flip_pairs() returns them",
    "load_data": "it is called load",
    "net": f"it is one of {', '.join(TUTORIAL_NETS)}: from kfkd import net8 as net",
    "predict": "net6.predict(X), kfkd.prediction.predict for several nets; the "
    "submission is kfkd.prediction.submission.submit, or `kfkd submit`",
    "train_loss": _LOSSES,
    "valid_loss": _LOSSES,
} | {
    line.split()[-1]: f"the tutorial imports it: {line}"
    for line in (
        "import os",
        "import sys",
        "import pickle",
        "import numpy as np",
        "import theano",
        "import lasagne",
        "from collections import OrderedDict",
        "from lasagne import layers",
        "from lasagne.updates import nesterov_momentum",
        "from matplotlib import pyplot",
        "from pandas import read_csv",
        "from sklearn.base import clone",
        "from sklearn.metrics import mean_squared_error",
        "from sklearn.utils import shuffle",
    )
}
