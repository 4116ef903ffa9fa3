"""Images against SciPy's affine_transform; points against spots in the images."""

import jax
import numpy as np
import pytest
from scipy import ndimage

from kfkd import affine, nets
from kfkd.augment import AffineBatchIterator, FlipBatchIterator, flip_pairs
from kfkd.data import split_sparse
from kfkd.errors import ArgumentError
from kfkd.training import epochs
from kfkd.xla import formulations

rng = np.random.default_rng()
PLAIN = dict(rotation=0, scale=0, shift=0, brightness=0, contrast=0, flip=False)


def faces(n=12, size=(96, 96)):
    X = rng.random((n, 1, *size), dtype="float32")
    return X, rng.uniform(-0.5, 0.5, (n, 30)).astype("float32")


def iterator(**options):
    return AffineBatchIterator(16, seed=int(rng.integers(2**31)), **options)


def by_scipy(image, row):
    """Return an image after a map, by its parameters."""
    p = dict(zip(affine.PARAMETERS, row.astype(float), strict=True))
    sizes = np.array(image.shape)
    middle = (sizes - 1) / 2
    cos, sin = np.cos(p["rotation"]), np.sin(p["rotation"])
    back = np.array([[cos, -sin], [sin, cos]]) / p["scale"]  # of (y, x)
    shift = sizes * (p["shift_y"], p["shift_x"])
    image = image[:, ::-1] if p["flipped"] else image
    mapped = ndimage.affine_transform(
        image.astype(float),
        back,
        middle - back @ (middle + shift),
        order=1,
        mode="nearest",
    )
    return np.clip((mapped - 0.5) * p["contrast"] + 0.5 + p["brightness"], 0, 1)


@pytest.mark.parametrize("size", [(96, 96), (20, 13), (7, 1)], ids=str)
def test_images_are_mapped_as_by_scipy(size):
    X, y = faces(size=size)
    made = iterator(rotation=40, scale=0.4, shift=0.3)
    maps = made.draw(len(X))
    mapped, _ = made.apply((X, y), maps)
    assert mapped.dtype == X.dtype
    for image, found, row in zip(X[:, 0], mapped[:, 0], maps, strict=True):
        np.testing.assert_allclose(found, by_scipy(image, row), atol=2e-4)


def test_points_move_with_the_image():
    n = 6
    y = rng.uniform(-0.6, 0.6, (n, 30)).astype("float32")
    middles = np.arange(96) + 0.5
    made = iterator(brightness=0, contrast=0)
    maps = made.draw(n)
    for point in range(15):
        x_px, y_px = (y[:, 2 * point : 2 * point + 2].T * 48 + 48)[..., None, None]
        spots = np.exp(-((middles - x_px) ** 2 + (middles[:, None] - y_px) ** 2) / 18)
        mapped, moved = made.apply((spots[:, None].astype("float32"), y), maps)
        # The spot of the right eye is that of the left one in a mirrored face.
        counterpart = dict([*flip_pairs(), *((b, a) for a, b in flip_pairs())])
        for i in range(n):
            column = 2 * point
            if maps[i, affine.PARAMETERS.index("flipped")]:
                column = counterpart.get(column, column)
            if np.isnan(moved[i, column]):
                continue
            weight = mapped[i, 0] / mapped[i, 0].sum()
            found = (weight * middles).sum(), (weight * middles[:, None]).sum()
            expected = moved[i, column : column + 2] * 48 + 48
            # Near an edge, a part of the spot is cut off.
            if (abs(expected - 48) < 34).all():
                np.testing.assert_allclose(found, expected, atol=0.1)


def test_points_outside_are_missing_and_others_are_not():
    X, y = faces(40)
    y[:, :4] = (0.95, -0.95, -0.95, -0.95)
    y[::3, 20] = y[::3, 21] = np.nan
    made = iterator(shift=0.3, **dict.fromkeys(("rotation", "scale"), 0), flip=False)
    maps = made.draw(len(X))
    _, moved = made.apply((X, y), maps)
    shifts = 2 * maps[:, [affine.PARAMETERS.index(f"shift_{v}") for v in "xy"]]
    exact = y.reshape(-1, 15, 2) + shifts[:, None]
    is_out = ~(abs(exact) <= 1).all(axis=2, keepdims=True)  # of NaN, too
    exact = np.where(is_out, np.nan, exact).reshape(y.shape)
    np.testing.assert_allclose(moved, exact, atol=1e-6)
    assert np.isnan(moved[:, :4]).any()


def test_flipping_alone_is_that_of_the_tutorial():
    X, y = faces()
    y[2, 4] = y[3, 8] = np.nan  # of a pair, one side is missing
    options = PLAIN | {"flip": True}
    made = iterator(**options)
    maps = made.draw(len(X))
    flipped = maps[:, affine.PARAMETERS.index("flipped")] > 0
    lacks = np.isnan(y).any(axis=1)
    mapped, moved = made.apply((X, y), maps)
    expected, points = FlipBatchIterator(16).apply((X, y), flipped)
    np.testing.assert_allclose(mapped, expected, atol=1e-6)
    # Of a point with one coordinate missing, the other is of no use.
    np.testing.assert_allclose(moved[~lacks], points[~lacks], atol=1e-6)
    assert (np.isnan(moved) >= np.isnan(points)).all()


def test_batches_are_copies_and_a_seed_repeats_them():
    X, y = faces()
    before = X.copy(), y.copy()
    first, second = ([*AffineBatchIterator(5, seed=7)(X, y)] for _ in range(2))
    for a, b in zip(first, second, strict=True):
        for ours, theirs in zip(a, b, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
    assert not np.allclose(first[0][0], X[:5])


def test_with_all_amounts_zero_nothing_changes():
    X, y = faces()
    ((mapped, moved),) = iterator(**PLAIN)(X, y)
    np.testing.assert_allclose(mapped, X, atol=1e-6)
    np.testing.assert_allclose(moved, y, atol=1e-6)


def test_amounts_are_within_their_limits():
    maps = dict(zip(affine.PARAMETERS, iterator().draw(2000).T, strict=True))
    for name, middle, most in (
        ("rotation", 0, np.radians(12)),
        ("scale", 1, 0.12),
        ("shift_x", 0, 0.12),
        ("shift_y", 0, 0.12),
        ("brightness", 0, 0.1),
        ("contrast", 1, 0.2),
    ):
        distance = abs(maps[name] - middle)
        assert distance.max() <= most * 1.0001
        assert distance.max() > most * 0.9
    assert set(maps["flipped"]) == {0, 1}


def test_labels_of_classes_stay_as_they_are():
    X, _ = faces()
    ((_, labels),) = iterator()(X, np.arange(12))
    np.testing.assert_array_equal(labels, np.arange(12))


def test_epochs_on_the_device_and_batch_by_batch_are_the_same(monkeypatch):
    X, y = faces(40)
    y[::3, 4:20] = np.nan
    choose, ways, histories = epochs.choose, [], []

    def choose_and_note(*args):
        ways.append(choose(*args))
        return ways[-1]

    monkeypatch.setattr(epochs, "choose", choose_and_note)
    for looped in (True, False):
        monkeypatch.setattr(formulations, "loops", lambda nodes, looped=looped: looped)
        sizes = {f"conv{i}_num_filters": 2 for i in (1, 2, 3)}
        net = nets.make("modern", hidden4_num_units=4, verbose=0, **sizes).seed(3)
        net.batch_iterator_train.batch_size = 12
        net.fit(X, split_sparse(y), epochs=3)
        histories.append([row["valid_loss"] for row in net.train_history_])
    assert list(map(type, ways)) == [epochs.OnDevice, epochs.BatchWise]
    np.testing.assert_allclose(*histories, rtol=1e-3)


def test_it_can_be_traced():
    X, y = faces()
    made = iterator()
    maps = made.draw(len(X))
    traced = jax.jit(lambda X, y: made.apply((X, y), maps))(X, y)
    for ours, theirs in zip(traced, made.apply((X, y), maps), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rotation": np.nan}, "rotation"),
        ({"scale": 1}, "scale is 1; it must be from 0 to below 1"),
        ({"shift": "far"}, "shift"),
        ({"contrast": -0.1}, "contrast"),
    ],
)
def test_wrong_amounts_are_an_error(options, message):
    with pytest.raises(ArgumentError, match=message):
        AffineBatchIterator(8, **options)


def test_points_need_both_coordinates():
    X, y = faces()
    made = AffineBatchIterator(8, flip_indices=[])
    with pytest.raises(ArgumentError, match="pairs of x and y"):
        next(iter(made(X, y[:, :3])))
