"""Learn to read digits with Lasagne alone: python examples/digits.py --model cnn.

The 1,797 digits that come with scikit-learn, 8 x 8 pixels each, so that nothing is
downloaded. A fifth of them is for validation and a fifth for the test. Half of those
learnt from are moved by a pixel, others in each epoch.
"""

import kfkd.stack  # noqa: F401  (makes the three packages work)

# isort: split
import argparse
import time

import lasagne
import numpy as np
import theano
import theano.tensor as T
from lasagne import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

BATCH_SIZE = 50
MOMENTUM = 0.9


def load_dataset():
    """Return images in [0, 1] and digits: for training, validation, test."""
    digits = load_digits()
    X = (digits.images[:, None] / 16).astype("float32")
    y = digits.target.astype("int32")

    def split(X, y, size):
        return train_test_split(X, y, test_size=size, stratify=y, random_state=0)

    X, X_test, y, y_test = split(X, y, 360)
    X, X_val, y, y_val = split(X, y, 360)
    return X, y, X_val, y_val, X_test, y_test


def build_mlp(input_var):
    """Two hidden layers of 256 units, with dropout."""
    net = layers.InputLayer((None, 1, 8, 8), input_var)
    for _ in range(2):
        net = layers.DenseLayer(net, num_units=256)
        net = layers.DropoutLayer(net, p=0.3)
    return output_layer(net)


def build_cnn(input_var):
    """Two convolutions, each with pooling, and a hidden layer of 128 units."""
    net = layers.InputLayer((None, 1, 8, 8), input_var)
    for num_filters in (32, 64):
        net = layers.Conv2DLayer(net, num_filters, filter_size=(3, 3), pad="same")
        net = layers.MaxPool2DLayer(net, pool_size=(2, 2))
    net = layers.DenseLayer(layers.DropoutLayer(net, p=0.3), num_units=128)
    return output_layer(layers.DropoutLayer(net, p=0.5))


def output_layer(net):
    """Add the probabilities of the ten digits."""
    return layers.DenseLayer(net, 10, nonlinearity=lasagne.nonlinearities.softmax)


# And the epochs that each takes.
MODELS = {"mlp": (build_mlp, 60), "cnn": (build_cnn, 20)}


def compile_functions(model, learning_rate):
    """Return the functions that train on a batch, and that evaluate one."""
    X, y = T.tensor4("X"), T.ivector("y")
    build, _ = MODELS[model]
    net = build(X)

    def loss(prediction):
        return lasagne.objectives.categorical_crossentropy(prediction, y).mean()

    training_loss = loss(layers.get_output(net))
    params = layers.get_all_params(net, trainable=True)
    updates = lasagne.updates.nesterov_momentum(
        training_loss, params, learning_rate, MOMENTUM
    )
    # Without dropout.
    prediction = layers.get_output(net, deterministic=True)
    correct = T.eq(T.argmax(prediction, axis=1), y)
    accuracy = T.mean(correct, dtype=theano.config.floatX)
    train = theano.function([X, y], training_loss, updates=updates)
    return train, theano.function([X, y], [loss(prediction), accuracy])


def move(images, rng):
    """Return images of which half are moved, by a pixel in any direction."""
    padded = np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1)))
    rows, columns = rng.integers(3, size=(2, len(images), 1, 1))
    still = rng.random(rows.shape) < 0.5
    rows[still] = columns[still] = 1
    image = np.arange(len(images))[:, None, None]
    side = np.arange(8)
    return padded[image, rows + side[:, None], columns + side][:, None]


def iterate_minibatches(X, y, rng):
    """Yield batches of one size in random order, which leaves a few samples out."""
    order = rng.permutation(len(X))
    for start in range(0, len(X) - BATCH_SIZE + 1, BATCH_SIZE):
        batch = order[start : start + BATCH_SIZE]
        yield move(X[batch], rng), y[batch]


def main():
    """Train with a rate that falls, print a line for each epoch, and test."""
    parser = argparse.ArgumentParser(description=f"{__doc__.partition(':')[0]}.")
    parser.add_argument("--model", choices=MODELS, default="mlp", help="default: mlp")
    parser.add_argument("--epochs", type=int, help="default: 60 for mlp, 20 for cnn")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    args = parser.parse_args()
    epochs = MODELS[args.model][1] if args.epochs is None else args.epochs

    X, y, X_val, y_val, X_test, y_test = load_dataset()
    rng = np.random.default_rng(args.seed)
    lasagne.random.set_rng(np.random.RandomState(args.seed))
    rate = theano.shared(np.float32(0))
    train, evaluate = compile_functions(args.model, rate)

    for epoch in range(epochs):
        start = time.perf_counter()
        rate.set_value(np.float32(0.1 * (1 - epoch / epochs)))
        losses = [train(*batch) for batch in iterate_minibatches(X, y, rng)]
        loss, accuracy = evaluate(X_val, y_val)
        print(
            f"epoch {epoch + 1:3}  training loss {np.mean(losses):.4f}  "
            f"validation loss {loss:.4f}  accuracy {accuracy:.2%}  "
            f"{time.perf_counter() - start:.2f} s"
        )
    print(f"test accuracy {evaluate(X_test, y_test)[1]:.2%}")


if __name__ == "__main__":
    main()
