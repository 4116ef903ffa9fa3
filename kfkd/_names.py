"""Names of the tutorial's ``kfkd.py``: where each is here, or what to use instead."""

__all__ = ["HOMES", "INSTEAD"]

# The modules that have them.
HOMES = {
    "AdjustVariable": "kfkd.callbacks",
    "BatchIterator": "nolearn.lasagne",
    "EarlyStopping": "kfkd.callbacks",
    "FlipBatchIterator": "kfkd.augment",
    "NeuralNet": "kfkd.estimator",
    "SPECIALIST_SETTINGS": "kfkd.specialists",
    "fit_specialists": "kfkd.specialists",
    "float32": "kfkd.nets",
    "load": "kfkd.data",
    "load2d": "kfkd.data",
    "net1": "kfkd.nets",
    "net2": "kfkd.nets",
    "net3": "kfkd.nets",
    "net4": "kfkd.nets",
    "net5": "kfkd.nets",
    "net6": "kfkd.nets",
    "net7": "kfkd.nets",
    "net8": "kfkd.nets",
    "net12": "kfkd.nets",
    "plot_learning_curves": "kfkd.plots",
    "plot_sample": "kfkd.plots",
    "plot_weights": "kfkd.plots",
}

_FILES = (
    "kfkd.data.find({!r}) finds the file, which may be in several places; "
    "kfkd.data.read({!r}) reads it"
)
# The others that the tutorial defines, and those that it imports.
INSTEAD = {
    "FTRAIN": _FILES.format("training", "training"),
    "FTEST": _FILES.format("test", "test"),
    "FLOOKUP": "kfkd.prediction.submission.read_lookup() reads the file",
    "X": "X, y = kfkd.load(), or load2d()",
    "y": "X, y = kfkd.load(), or load2d()",
    "fit": "net6.fit(X, y) trains a net, or `kfkd train net6`",
    "flip_indices": "kfkd.augment.flip_pairs() returns them",
    "load_data": "it is called load",
    "net": "it is one of net1 to net8 and net12: from kfkd import net8 as net",
    "predict": "net6.predict(X), kfkd.prediction.predict for several nets; the "
    "submission is kfkd.prediction.submission.submit, or `kfkd submit`",
    "train_loss": "net6.train_history_ has the losses; kfkd.plots draws them",
    "valid_loss": "net6.train_history_ has the losses; kfkd.plots draws them",
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
