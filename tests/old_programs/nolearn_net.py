"""nolearn's NeuralNet with what its users had around it in 2016."""

from __future__ import print_function

import numpy as np
import theano
from lasagne import layers, nonlinearities, objectives, regularization, updates
from lasagne.layers import DenseLayer, InputLayer
from nolearn.lasagne import BatchIterator, NeuralNet, TrainSplit, objective


def float32(k):
    return np.float32(k)


class AdjustVariable(object):
    def __init__(self, name, start=0.03, stop=0.001):
        self.name, self.start, self.stop, self.ls = name, start, stop, None

    def __call__(self, nn, train_history):
        if self.ls is None:
            self.ls = np.linspace(self.start, self.stop, nn.max_epochs)
        getattr(nn, self.name).set_value(
            float32(self.ls[train_history[-1]["epoch"] - 1])
        )


def regularization_objective(layers, lambda1=0.0, lambda2=0.0, *args, **kwargs):
    losses = objective(layers, *args, **kwargs)
    hidden = list(layers.values())[1:-1]
    return (
        losses
        + lambda1
        * sum(
            regularization.regularize_layer_params(layer, regularization.l1)
            for layer in hidden
        )
        + lambda2
        * regularization.regularize_network_params(layers[-1], regularization.l2)
    )


net = NeuralNet(
    layers=[
        (InputLayer, {"name": "input", "shape": (None, 1, 8, 8)}),
        (
            layers.Conv2DLayer,
            {
                "name": "conv1",
                "num_filters": 8,
                "filter_size": 3,
                "pad": "same",
                "flip_filters": False,
            },
        ),
        (layers.BatchNormLayer, {"name": "norm1"}),
        (
            layers.NonlinearityLayer,
            {"name": "act1", "nonlinearity": nonlinearities.elu},
        ),
        (layers.MaxPool2DLayer, {"name": "pool1", "pool_size": 2}),
        (layers.DropoutLayer, {"name": "drop1", "p": 0.1, "shared_axes": (2, 3)}),
        (DenseLayer, {"name": "hidden2", "num_units": 24}),
        (layers.ParametricRectifierLayer, {"name": "act2"}),
        (
            DenseLayer,
            {"name": "output", "num_units": 3, "nonlinearity": nonlinearities.softmax},
        ),
    ],
    objective=regularization_objective,
    objective_lambda2=1e-4,
    objective_lambda1=1e-6,
    objective_loss_function=objectives.categorical_crossentropy,
    update=updates.nesterov_momentum,
    update_learning_rate=theano.shared(float32(0.05)),
    update_momentum=theano.shared(float32(0.9)),
    batch_iterator_train=BatchIterator(batch_size=25, shuffle=True),
    train_split=TrainSplit(eval_size=0.2),
    on_epoch_finished=[AdjustVariable("update_learning_rate", start=0.05, stop=0.01)],
    custom_scores=[
        (
            "top2",
            lambda y, p: np.mean(
                [label in row.argsort()[-2:] for label, row in zip(y, p)]
            ),
        )
    ],
    max_epochs=8,
    verbose=1,
)

np.random.seed(0)
y = (np.arange(150) % 3).astype("int32")
X = np.random.randn(150, 1, 8, 8).astype("float32") * 0.2
for i, label in enumerate(y):
    X[i, 0, :, 2 * label : 2 * label + 3] += 1

if __name__ == "__main__":
    net.fit(X, y)
    print("accuracy: %.2f" % np.mean(net.predict(X) == y))
    print(net.predict_proba(X[:2]).shape, len(net.train_history_))
