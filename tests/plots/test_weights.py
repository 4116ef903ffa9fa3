import numpy as np
import pytest
from lasagne import layers
from scipy.ndimage import gaussian_filter

from kfkd import nets, plots
from kfkd.errors import ArgumentError
from kfkd.estimator import NeuralNet
from tests.helpers import small_faces


def images(ax):
    return [np.asarray(image.get_array()) for image in ax.images]


def convolving(channels=1):
    """Return a net of 12 filters of 3 x 2 pixels."""
    net = small_faces.small(
        layers=[
            ("input", layers.InputLayer),
            ("conv1", layers.Conv2DLayer),
            ("hidden", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, channels, 12, 12),
        conv1_num_filters=12,
        conv1_filter_size=(3, 2),
    )
    net.initialize()
    return net


def dense():
    net = small_faces.small(hidden_num_units=30)
    net.initialize()
    return net


def test_units_of_a_dense_layer():
    net = dense()
    W = net.layers_["hidden"].W.get_value()
    W *= np.linspace(1, 2, 30, dtype=np.float32) / np.linalg.norm(W, axis=0)
    net.layers_["hidden"].W.set_value(W)
    ax = plots.plot_weights(net, smooth=0)
    # Those of the 30 that were made larger come first.
    assert len(ax.images) == 25
    for i, image in enumerate(images(ax)):
        np.testing.assert_array_equal(image, W[:, 29 - i].reshape(96, 96))
    assert ax.get_title() == "hidden: the 25 strongest of 30 units"
    assert len(plots.plot_weights(net, n=7).images) == 7


def test_what_a_dense_layer_has_learnt_is_smoothed():
    net = dense()
    W = net.layers_["hidden"].W.get_value().T.reshape(30, 96, 96)
    smooth = [gaussian_filter(unit, 2) for unit in W]
    first = max(smooth, key=lambda image: np.square(image).sum())
    np.testing.assert_allclose(images(plots.plot_weights(net))[0], first, atol=1e-6)


def test_filters_lie_as_on_the_image():
    net = convolving()
    ax = plots.plot_weights(net)
    assert ax.get_title() == "conv1: all 12 filters"
    drawn_filters = images(ax)
    strengths = [np.square(image).sum() for image in drawn_filters]
    assert strengths == sorted(strengths, reverse=True)
    # Laid on an image that is like it, a filter answers with its strength.
    x = np.zeros((12, 1, 12, 12), dtype=np.float32)
    x[:, 0, 4:7, 5:7] = drawn_filters
    answers = layers.get_output(net.layers_["conv1"], x).eval()[:, :, 4, 5]
    for answer, strength in zip(answers, strengths, strict=True):
        assert np.abs(answer - strength).min() < 1e-5


def test_the_scale_is_symmetric_and_one_for_all():
    ax = plots.plot_weights(convolving())
    most = max(np.abs(image).max() for image in images(ax))
    for image in ax.images:
        assert image.get_clim() == pytest.approx((-most, most))
    (bar,) = ax.child_axes
    ax.figure.draw_without_rendering()
    assert bar.get_ylabel() == "weight"
    assert bar.get_ylim() == pytest.approx((-most, most))


def test_images_lie_beside_each_other():
    ax = plots.plot_weights(convolving())
    boxes = [image.get_extent() for image in ax.images]
    for i, (left, right, bottom, top) in enumerate(boxes):
        assert (right - left, bottom - top) == pytest.approx((2, 3))
        for a, b, c, d in boxes[:i]:
            assert right <= a or b <= left or bottom <= d or c <= top
    assert ax.get_xlim() == pytest.approx((0, max(right for _, right, _, _ in boxes)))
    assert ax.get_ylim() == pytest.approx((max(low for _, _, low, _ in boxes), 0))


def test_what_has_no_weights_to_draw():
    small = small_faces.small(input_shape=(None, 100))
    small.initialize()
    without_weights = NeuralNet(
        layers=[("input", layers.InputLayer), ("output", layers.NonlinearityLayer)],
        input_shape=(None, 9216),
        update_learning_rate=0.01,
    )
    without_weights.initialize_layers()
    for net, message in [
        (nets.make("net1"), "has no weights yet"),
        ([], "is not a net"),
        (None, "^None is not a net, so it has no weights to draw$"),
        (without_weights, "no layer has weights to draw: there are input, output$"),
        ({("nose_tip_x",): small}, "^this is a set of specialists; the weights of one"),
        (convolving(channels=3), r"layer, conv1, .* shape \(12, 3, 3, 2\)"),
        (small, r"layer, hidden, .* shape \(100, 4\)"),
    ]:
        with pytest.raises(plots.PlotError, match=message):
            plots.plot_weights(net)


@pytest.mark.parametrize("smooth", [-1, "a"])
def test_how_much_to_smooth(smooth):
    message = f"^smooth is {smooth!r}; it must be a number of pixels, 0 or more$"
    with pytest.raises(ArgumentError, match=message):
        plots.plot_weights(dense(), smooth=smooth)


@pytest.mark.parametrize("n", [0, -1, 2.5])
def test_how_many_units_to_draw(n):
    message = f"^n is {n}; it must be a whole number of at least 1$"
    with pytest.raises(ArgumentError, match=message):
        plots.plot_weights(dense(), n=n)
