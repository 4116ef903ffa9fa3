import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import check, check_gradient, random, variable

FLOATS = ("float32", "float64")
Y = np.array([2, 0, 1, 2])
ONE_HOT = np.eye(3)[Y]


@pytest.mark.parametrize("dtype", FLOATS)
def test_softmax_in_all_its_forms(dtype):
    x, b = random(0, (4, 3), dtype), random(1, (3,), dtype)
    x[0] *= 100
    check(
        lambda x, b: [
            T.nnet.softmax(x),
            T.nnet.softmax(x + b),
            T.nnet.softmax_with_bias(x, b),
            T.nnet.logsoftmax(x),
            T.log(T.nnet.softmax(x[1:])),
            T.exp(x[1]) / T.exp(x[1]).sum(),
            T.nnet.softmax_graph(x[1:]),
        ],
        x,
        b,
    )


def losses(x, b, y, one_hot):
    p = T.nnet.softmax(x + b)
    return [
        T.nnet.categorical_crossentropy(p, y),
        T.nnet.categorical_crossentropy(p, one_hot),
        T.nnet.crossentropy_categorical_1hot(p, y),
        -T.log(p)[T.arange(y.shape[0]), y],
        T.nnet.crossentropy_softmax_1hot_with_bias(x, b, y)[0],
        *T.nnet.crossentropy_softmax_max_and_argmax_1hot_with_bias(x, b, y),
    ]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", ["int32", "int64"])
def test_crossentropy_of_classes(dtype, kind):
    x, b = random(2, (4, 3), dtype), random(3, (3,), dtype)
    check(losses, x, b, Y.astype(kind), ONE_HOT.astype(dtype))


@pytest.mark.parametrize("number", range(5))
def test_gradients_of_crossentropy(number):
    # One loss to a function, so that Theano merges it with the softmax as in training.
    check_gradient(
        lambda x, b, y, one_hot: losses(x, b, y, T.cast(one_hot, "int8"))[
            number
        ].mean(),
        random(4, (4, 3)),
        random(5, (3,)),
        Y,
        ONE_HOT.astype("int8"),
    )


def test_gradients_of_softmax():
    check_gradient(
        lambda x: [T.nnet.softmax(x), T.nnet.logsoftmax(x)], random(6, (3, 4))
    )


@parametrize(
    "build",
    [
        lambda p, t: T.nnet.binary_crossentropy(p, t),
        lambda p, t: T.nnet.binary_crossentropy(T.nnet.sigmoid(3 * p), t).mean(),
        lambda p, t: T.nnet.sigmoid_binary_crossentropy(5 * p - 2, t),
        lambda p, t: T.nnet.categorical_crossentropy(p / p.sum(1, keepdims=True), t),
    ],
    fast=2,
)
def test_binary_crossentropy(build):
    rng = np.random.default_rng(7)
    p, t = rng.uniform(0.1, 0.9, (3, 4)), rng.uniform(0, 1, (3, 4))
    check(build, p, t)
    check_gradient(build, p, t)


@pytest.mark.parametrize("loss", range(5))
@pytest.mark.parametrize("wrong", [3, -1])
def test_classes_that_there_are_not_are_an_error(loss, wrong):
    x, b, y = variable(np.ones((4, 3))), variable(np.ones(3)), T.lvector()
    if loss == 1:
        pytest.skip("takes no classes by number")
    if loss == 3 and wrong == -1:
        pytest.skip("an index: -1 is the last one")
    cost = losses(x, b, y, T.zeros((4, 3)))[loss].mean()
    for output in (cost, T.grad(cost, x)):
        f = theano.function([x, b, y], output, mode="xla")
        with pytest.raises((IndexError, ValueError), match="out of bounds"):
            f(np.ones((4, 3)), np.ones(3), [0, 1, 2, wrong])


def test_batch_normalisation():
    x, g, b = random(8, (6, 3)), random(9, (3,)), random(10, (3,))

    def build(x, g, b):
        mean, std = x.mean(0, keepdims=True), x.std(0, keepdims=True)
        plain = T.nnet.bn.batch_normalization(x, g, b, mean, std)
        training = T.nnet.bn.batch_normalization_train(
            x, g.dimshuffle("x", 0), b.dimshuffle("x", 0)
        )
        return [plain, training[0]]

    check(build, x, g, b)


def test_a_column_before_a_matrix():
    nnet = T.nnet.nnet
    check(
        lambda x, v: [
            nnet.Prepend_scalar_constant_to_each_row(4.0)(x),
            nnet.Prepend_scalar_to_each_row()(v, x),
        ],
        random(0, (3, 2)),
        np.float64(7),
    )


def test_products_of_chosen_blocks():
    # Two examples, blocks of 4 to blocks of 3, two each of five and of six.
    rows, columns = np.array([[0, 4], [2, 1]]), np.array([[5, 3], [0, 5]])
    w, h, b = random(1, (5, 6, 4, 3)), random(2, (2, 2, 4)), random(3, (6, 3))

    def build(w, h, b):
        dot = T.nnet.blocksparse.sparse_block_dot
        return dot(w, h, T.constant(rows), b, T.constant(columns))

    check(build, w, h, b)
    check_gradient(build, w, h, b)


def test_a_hierarchical_softmax():
    x, target = random(4, (5, 3)), np.array([0, 3, 5, 1, 1])
    w1, b1 = random(5, (3, 2)), random(6, 2)
    w2, b2 = random(7, (2, 3, 3)), random(8, (2, 3))
    sizes = 5, 6, 2, 3  # examples, outputs, classes, outputs of each class
    check(
        lambda x, w1, b1, w2, b2, t: [
            T.nnet.h_softmax(x, *sizes, w1, b1, w2, b2, t),
            T.nnet.h_softmax(x, *sizes, w1, b1, w2, b2),
        ],
        *(x, w1, b1, w2, b2, target),
    )
