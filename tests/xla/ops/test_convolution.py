import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne.theano_extensions import conv as conv1d
from theano.tensor.nnet import abstract_conv as ac
from theano.tensor.nnet.conv import conv2d as old_conv2d

from tests.helpers.cases import parametrize, some
from tests.helpers.theano_oracle import check, check_gradient, random

BORDERS = ["valid", "full", "half", 1, (0, 2), ((1, 0), (2, 1))]


def images(shape=(2, 3, 7, 6), dtype="float64"):
    return random(0, shape, dtype)


def filters(shape=(4, 3, 3, 2), dtype="float64"):
    return random(1, shape, dtype)


@parametrize(
    ("formulation", "border", "flip"),
    [("cpu", border, flip) for border in BORDERS for flip in (True, False)]
    + some(
        [("gpu", border, flip) for border in BORDERS for flip in (True, False)],
        ("gpu", "valid", True),
        ("gpu", (0, 2), False),
        ("gpu", ((1, 0), (2, 1)), True),
    ),
    fast=[
        ("cpu", "half", False),
        ("cpu", ((1, 0), (2, 1)), True),
        ("gpu", "valid", True),
        ("gpu", (0, 2), False),
    ],
    ids=str,
    indirect=["formulation"],
)
def test_borders_strides_and_both_senses(formulation, border, flip):
    def build(x, k):
        options = {"border_mode": border, "filter_flip": flip}
        return [
            T.nnet.conv2d(x, k, subsample=s, **options)
            for s in ((1, 1), (2, 1), (2, 3))
        ]

    tolerance = 1e-4
    check(build, images(dtype="float32"), filters(dtype="float32"), tolerance=tolerance)
    check_gradient(build, images((1, 2, 5, 4)), filters((2, 2, 3, 2)))


@pytest.mark.parametrize("border", ["valid", "half", (1, 2)], ids=str)
def test_dilation(border):
    def build(x, k):
        return T.nnet.conv2d(x, k, border_mode=border, filter_dilation=(2, 1))

    check(build, images(), filters())
    check_gradient(build, images((1, 1, 6, 4)), filters((1, 1, 2, 2)))


@pytest.mark.usefixtures("formulation")
def test_groups():
    def build(x, k):
        return T.nnet.conv2d(x, k, num_groups=2, border_mode="half")

    x, k = images((2, 4, 5, 4)), filters((6, 2, 3, 3))
    check(build, x, k)
    check_gradient(build, x[:1, :, :3, :3], k[:2])


@pytest.mark.usefixtures("formulation")
@pytest.mark.parametrize("channels", [1, 3])
@parametrize(
    "options",
    [
        {},
        {"border_mode": (2, 1), "subsample": (2, 3)},
        {"border_mode": ((0, 1), (1, 2)), "filter_flip": False},
        {"filter_dilation": (1, 2), "border_mode": "half"},
    ],
    fast=2,
)
def test_convolutions_of_one_channel_and_of_more(options, channels):
    def build(x, k):
        return T.nnet.conv2d(x, k, **options)

    x, k = images((3, channels, 6, 5)), filters((4, channels, 3, 2))
    check(build, x, k)
    check_gradient(build, x[:1, :, :4, :4], k[:2])


@pytest.mark.usefixtures("formulation")
def test_mixed_dtypes():
    check(T.nnet.conv2d, images(dtype="float32"), filters(dtype="float64"))


@pytest.mark.parametrize("border", ["valid", "full", "half", 1], ids=str)
def test_three_dimensions(border):
    def build(x, k):
        return T.nnet.conv3d(x, k, border_mode=border, subsample=(1, 2, 1))

    check(build, images((2, 2, 4, 5, 3)), filters((3, 2, 2, 3, 2)))
    if border in ("valid", 1):
        check_gradient(build, images((1, 1, 3, 3, 3)), filters((1, 1, 2, 2, 2)))


@parametrize(
    "convolve",
    [conv1d.conv1d_sc, conv1d.conv1d_mc0, conv1d.conv1d_mc1],
    ids=lambda f: f.__name__,
    fast=1,
)
def test_one_dimension(convolve):
    def build(x, k):
        return [convolve(x, k), convolve(x, k, subsample=(2,))]

    check(build, images((2, 3, 9)), filters((4, 3, 4)))
    check_gradient(build, images((1, 2, 5)), filters((2, 2, 2)))


def test_transposed_convolution():
    def build(g, k):
        shape = (2, 3, 9, 8)
        return T.nnet.conv2d_grad_wrt_inputs(g, k, shape, subsample=(2, 2))

    check(build, random(2, (2, 4, 4, 4)), filters())


@pytest.mark.parametrize("wrong", [(4, 2, 3, 2), (4, 3, 9, 2)])
def test_filters_that_do_not_fit_are_an_error(wrong):
    x, k = T.dtensor4s("x", "k")
    f = theano.function([x, k], T.nnet.conv2d(x, k), mode="xla")
    with pytest.raises(
        ValueError, match=r"It is AbstractConv2d(.|\n)*test_convolution"
    ):
        f(images(), np.ones(wrong))


def test_unshared_filters_are_refused_by_name():
    x, k = T.dtensor4(), T.TensorType("float64", [False] * 6)()
    output = ac.AbstractConv2d(unshared=True)(x, k)
    with pytest.raises(NotImplementedError, match=r"unshared(.|\n)*test_convolution"):
        theano.function([x, k], output, mode="xla")


LAYOUTS = [
    lambda y, x: y.flatten(2),
    lambda y, x: y.reshape((y.shape[0], -1, 2)),
    lambda y, x: y.dimshuffle(1, 0, 3, 2),
    lambda y, x: y.sum(axis=1),
    lambda y, x: y.sum(axis=(0, 2, 3)),
    lambda y, x: y.mean(axis=(2, 3)),
    lambda y, x: y.max(axis=(1, 3)),
    lambda y, x: y.sum(),
    lambda y, x: T.argmax(y, axis=1),
    lambda y, x: y[:, 1:, ::2, -1],
    lambda y, x: y[[1, 0, 1]],
    lambda y, x: T.concatenate([y, x[:, :1, :5, :5]], axis=1),
    lambda y, x: y + x[:, :1, :5, :5].sum(axis=1, keepdims=True),
    lambda y, x: y * T.arange(4.0).dimshuffle("x", 0, "x", "x") + 1,
    lambda y, x: T.maximum(y, y.mean(axis=(0, 2, 3), keepdims=True)),
    lambda y, x: T.switch(y > 0, y, T.zeros_like(y)),
    lambda y, x: T.set_subtensor(y[:, 1], 0),
    lambda y, x: T.stack([y, y]),
    lambda y, x: y.shape,
    lambda y, x: T.nnet.relu(y, 0.1).reshape((y.shape[0], 2, 2, 5, 5)).max(axis=2),
    lambda y, x: T.dot(y, T.ones((5, 2), "float64")),
    lambda y, x: y.T,
    lambda y, x: (
        T.nnet.conv2d(y, T.ones((2, 4, 2, 2), "float64")) + 0 * x[:, :2, :4, :4]
    ),
]


def test_where_the_channels_are_does_not_show():
    k = T.constant(filters((4, 3, 3, 2)))
    check(lambda x: [f(T.nnet.conv2d(x, k), x) for f in LAYOUTS], images((2, 3, 7, 6)))


@pytest.mark.slow
def test_where_the_channels_are_does_not_show_in_gradients():
    chosen = [f for f in LAYOUTS if f(T.dtensor4(), T.dtensor4()).dtype == "float64"]
    check_gradient(
        lambda x, k: sum(T.sum(f(T.nnet.conv2d(x, k), x) ** 2) for f in chosen),
        images((2, 3, 7, 6)),
        filters((4, 3, 3, 2)),
        tolerance=1e-5,
    )


@pytest.mark.filterwarnings("ignore:theano.tensor.nnet.conv")
@parametrize(
    ("border", "known", "subsample"),
    [
        ("valid", True, (1, 1)),
        ("valid", False, (1, 1)),
        ("full", True, (2, 1)),
        ("full", False, (1, 1)),
    ],
    fast=2,
)
def test_convolutions_of_old_programs(border, known, subsample):
    x, k = images((2, 3, 5, 4)), filters((2, 3, 3, 2))
    shapes = {"image_shape": x.shape, "filter_shape": k.shape} if known else {}

    def build(x, k):
        return old_conv2d(x, k, border_mode=border, subsample=subsample, **shapes)

    check(build, x, k)
    check_gradient(build, x, k)


@pytest.mark.filterwarnings("ignore:theano.tensor.nnet.conv")
@pytest.mark.parametrize("subsample", [(1, 1), (2, 3)])
def test_strides_of_old_programs(subsample):
    check(lambda x, k: old_conv2d(x, k, subsample=subsample), images(), filters())


@pytest.mark.filterwarnings("ignore:theano.tensor.nnet.conv")
@pytest.mark.parametrize("wrong", ["images", "filters"])
def test_shapes_other_than_announced_are_an_error(wrong):
    x, k = T.dtensor4s("x", "k")
    announced = {"images": (2, 3, 7, 6), "filters": (4, 3, 3, 2)}
    announced[wrong] = (*announced[wrong][:3], 1)
    y = old_conv2d(x, k, announced["images"], announced["filters"], "full")
    f = theano.function([x, k], y, mode="xla")
    with pytest.raises(ValueError, match=f"shape of the {wrong}(.|\n)*It is ConvOp"):
        f(images(), filters())
