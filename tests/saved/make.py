"""Save the nets that tests/storage/test_saved.py loads, in any release, on any Python.

Files of a release stay as they are when later ones save differently; what is saved
anew gets a name of its own: python tests/saved/make.py NAME
"""

import sys
from pathlib import Path

import numpy as np

from kfkd import storage
from kfkd.callbacks import AdjustVariable, EarlyStopping
from kfkd.estimator import NeuralNet
from kfkd.stack import lasagne, theano

layers = lasagne.layers
net = NeuralNet(
    layers=[
        ("input", layers.InputLayer),
        ("conv", layers.Conv2DLayer),
        ("pool", layers.MaxPool2DLayer),
        ("dropout", layers.DropoutLayer),
        ("output", layers.DenseLayer),
    ],
    input_shape=(None, 1, 6, 6),
    conv_num_filters=2,
    conv_filter_size=(3, 3),
    pool_pool_size=(2, 2),
    dropout_p=0.1,
    output_num_units=2,
    output_nonlinearity=None,
    regression=True,
    update_learning_rate=theano.shared(np.float32(0.01)),
    update_momentum=0.9,
    on_epoch_finished=[
        AdjustVariable("update_learning_rate", start=0.03, stop=0.001),
        EarlyStopping(patience=50),
    ],
    max_epochs=3,
    verbose=0,
).seed(0)
rng = np.random.default_rng(0)
X = rng.random((40, 1, 6, 6), np.float32)
net.fit(X, X[:, 0, 0, :2] - X[:, 0, 1, :2])

folder, name = Path(__file__).parent, sys.argv[1]
storage.save(net, folder / f"{name}.pickle")
storage.save(net, folder / f"{name}.npz")
storage.save({("a", "b"): net}, folder / f"{name}-specialists.pickle")
np.save(folder / f"{name}-predictions.npy", net.predict(X))
