import numpy as np
import pytest

from kfkd import nets, prediction, storage
from kfkd.augment import FlipBatchIterator
from kfkd.data import ALL_COLUMNS, COLUMNS, to_pixels
from kfkd.errors import ArgumentError
from kfkd.init import AverageFace
from kfkd.mirrored import average_mirrored, flip_pairs
from kfkd.prediction import scoring

rng = np.random.default_rng()


def counterpart(columns=COLUMNS):
    """Return the column of each column in a mirrored face, by their names."""
    swap = {"left": "right", "right": "left"}
    return [
        columns.index("_".join(swap.get(word, word) for word in name.split("_")))
        if name.startswith(("left", "right"))
        else columns.index(
            name.replace("_left_", "_#_")
            .replace("_right_", "_left_")
            .replace("_#_", "_right_")
        )
        for name in columns
    ]


class Linear:
    """Predicts by a random matrix; a net of another kind, that takes rows."""

    def __init__(self, n):
        self.W = rng.normal(size=(9216, n)).astype("float32") / 96

    def predict(self, X):
        return X @ self.W


def by_hand(net, X, columns=COLUMNS):
    flipped = X.reshape(-1, 96, 96)[:, :, ::-1].reshape(X.shape)
    sign = np.where([name.endswith("_x") for name in columns], -1, 1)
    mirrored = net.predict(flipped)[:, counterpart(columns)] * sign
    return (net.predict(X) + mirrored) / 2


def test_predictions_are_averaged_over_mirrored_images():
    X, net = rng.random((5, 9216), dtype="float32"), Linear(30)
    expected = to_pixels(by_hand(net, X).astype(float))
    table = prediction.predict(net, X, mirror=True)
    np.testing.assert_allclose(table, expected, rtol=1e-4, atol=1e-3)
    assert not np.allclose(prediction.predict(net, X), expected)
    again, _ = scoring.evaluate(net, X, rng.uniform(-1, 1, (5, 30)), mirror=True)
    np.testing.assert_array_equal(table, again)


def test_of_a_mirrored_face_the_average_is_mirrored():
    X, net = rng.random((5, 9216), dtype="float32"), Linear(30)
    flipped = X.reshape(-1, 96, 96)[:, :, ::-1].reshape(X.shape)
    table, other = (prediction.predict(net, v, mirror=True) for v in (X, flipped))
    for name in COLUMNS:
        there = other[COLUMNS[counterpart()[COLUMNS.index(name)]]]
        there = 96 - there if name.endswith("_x") else there
        np.testing.assert_allclose(table[name], there, rtol=1e-4, atol=1e-3)


def test_specialists_are_averaged_too():
    X = rng.random((4, 9216), dtype="float32")
    eyes, nose = COLUMNS[:4], COLUMNS[20:22]
    specialists = {eyes: Linear(4), nose: Linear(2)}
    table = prediction.predict(specialists, X, mirror=True)
    for columns, net in specialists.items():
        expected = to_pixels(by_hand(net, X, columns).astype(float))
        np.testing.assert_allclose(table[list(columns)], expected, rtol=1e-4, atol=1e-3)
    one_sided = {COLUMNS[:2]: Linear(2)}
    with pytest.raises(ArgumentError, match="'right_eye_center_x' is not"):
        prediction.predict(one_sided, X, mirror=True)


def small(**changes):
    changes = {f"conv{i}_num_filters": 2 for i in (1, 2, 3)} | changes
    return nets.make("modern", hidden4_num_units=4, verbose=0, **changes).seed(0)


def test_a_net_may_do_so_by_itself(tmp_path):
    X, net = rng.random((3, 1, 96, 96), dtype="float32"), small()
    net.initialize()
    found = net.predict(X)
    net.mirror = False
    expected = by_hand(net, X, ALL_COLUMNS)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not np.allclose(net.predict(X), expected, atol=1e-5)
    net.mirror = True
    path = tmp_path / "net.npz"
    storage.save(net, path)
    np.testing.assert_allclose(storage.load(path).predict(X), expected, atol=1e-5)


def test_a_net_needs_to_know_the_pairs():
    net = nets.make("net2", mirror=True, verbose=0)
    X = rng.random((9, 1, 96, 96), dtype="float32")
    with pytest.raises(ArgumentError, match="mirror is True; it must be False without"):
        net.fit(X, rng.uniform(-1, 1, (9, 30)).astype("float32"))
    net.mirror = False
    net.initialize()
    net.mirror = True
    with pytest.raises(ArgumentError, match="mirror is True"):
        net.predict(X)
    net.batch_iterator_train = FlipBatchIterator(8)
    assert net.predict(X).shape == (9, 30)


def test_images_of_any_shape_are_mirrored():
    def left_half(X):
        return X[..., :3].reshape(len(X), -1).sum(axis=1, keepdims=True)

    X = rng.random((4, 2, 5, 6))
    average = average_mirrored(lambda X: np.hstack([left_half(X)] * 2), X, [])
    difference = left_half(X) - left_half(X[..., ::-1])
    np.testing.assert_allclose(average[:, :1], difference / 2)
    np.testing.assert_allclose(average[:, 1:], X.sum(axis=(1, 2, 3))[:, None] / 2)


def test_the_average_face_is_symmetric_to_a_pixel():
    face = to_pixels(AverageFace().sample((30,)))
    for a, b in flip_pairs():
        if COLUMNS[a].endswith("_x"):
            assert face[a] + face[b] == pytest.approx(96, abs=2)
        else:
            assert face[a] == pytest.approx(face[b], abs=2)


def test_the_bias_of_other_columns_needs_their_names():
    with pytest.raises(ArgumentError, match=r"30 columns cannot .* with 4 units"):
        small(output_num_units=4, output_b=AverageFace()).initialize()
    net = small(output_num_units=4, output_b=AverageFace(COLUMNS[:4]))
    net.initialize()
    whole = AverageFace().sample((30,))
    np.testing.assert_array_equal(net.layers_["output"].b.get_value(), whole[:4])
