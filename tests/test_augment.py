from typing import ClassVar

import numpy as np
import pytest

from kfkd.augment import FlipBatchIterator, flip_pairs
from kfkd.data import COLUMNS, DataError, to_pixels
from kfkd.errors import ArgumentError
from tests.helpers import small_faces

# As the tutorial writes them down, in "Data augmentation" and "Training specialists".
TEXT = [(0, 2), (1, 3), (4, 8), (5, 9), (6, 10), (7, 11)]
TEXT += [(12, 16), (13, 17), (14, 18), (15, 19), (22, 24), (23, 25)]
SPECIALISTS = [
    (["left_eye_center", "right_eye_center"], [(0, 2), (1, 3)]),
    (["nose_tip"], []),
    (
        ["mouth_left_corner", "mouth_right_corner", "mouth_center_top_lip"],
        [(0, 2), (1, 3)],
    ),
    (["mouth_center_bottom_lip"], []),
    (
        [
            "left_eye_inner_corner",
            "right_eye_inner_corner",
            "left_eye_outer_corner",
            "right_eye_outer_corner",
        ],
        [(0, 2), (1, 3), (4, 6), (5, 7)],
    ),
    (
        [
            "left_eyebrow_inner_end",
            "right_eyebrow_inner_end",
            "left_eyebrow_outer_end",
            "right_eyebrow_outer_end",
        ],
        [(0, 2), (1, 3), (4, 6), (5, 7)],
    ),
]


def noise(n, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.random((n, 1, 8, 8), "float32")
    return X, rng.uniform(-1, 1, (n, 30)).astype("float32")


def flipped_rows(X, Xb):
    """Check that each image is either as it was or mirrored; say which are."""
    mirrored = (Xb == X[:, :, :, ::-1]).all(axis=(1, 2, 3))
    same = (Xb == X).all(axis=(1, 2, 3))
    assert (mirrored ^ same).all()
    return mirrored


def test_the_pairs_are_those_of_the_text():
    assert flip_pairs() == TEXT


@pytest.mark.parametrize(("points", "pairs"), SPECIALISTS)
def test_the_specialists_pairs_are_those_of_the_text(points, pairs):
    assert flip_pairs([f"{p}_{axis}" for p in points for axis in "xy"]) == pairs


@pytest.mark.parametrize("columns", ["nose_tip_x", ["nose_tipp_x"]])
def test_unknown_columns_are_an_error(columns):
    with pytest.raises(DataError, match="cols "):
        flip_pairs(columns)


@pytest.mark.parametrize("missing", ["left_eye_center_x", "mouth_right_corner_y"])
def test_half_of_a_pair_is_an_error(missing):
    with pytest.raises(ArgumentError, match=f"but '{missing}' is not"):
        flip_pairs([name for name in COLUMNS if name != missing])


@pytest.mark.parametrize("n", [1, 2, 7, 128])
def test_half_of_a_batch_is_flipped_rounded_down(n):
    X, y = noise(n)
    Xb, yb = FlipBatchIterator(n).transform(X, y)
    flipped = flipped_rows(X, Xb)
    assert flipped.sum() == n // 2
    assert np.array_equal(yb[~flipped], y[~flipped])
    assert (yb[flipped] != y[flipped]).any(axis=1).all()
    assert Xb.dtype == yb.dtype == np.float32


def test_an_epoch_leaves_the_training_data_as_they_are():
    X, y = noise(11)
    X_before, y_before = X.copy(), y.copy()
    batches = list(FlipBatchIterator(4)(X, y))
    assert [len(Xb) for Xb, _ in batches] == [4, 4, 3]
    for Xb, yb in batches:  # nor do they see what is done to a batch
        Xb[:], yb[:] = 0, 0
    assert np.array_equal(X, X_before)
    assert np.array_equal(y, y_before)


def test_a_seed_repeats_the_choice():
    X, y = noise(64)
    first, again, other = (
        [flipped_rows(X, FlipBatchIterator(64, seed=s).transform(X, y)[0])]
        for s in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_numpys_own_generator_is_neither_used_nor_moved():
    X, y = noise(64)
    chosen = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        expected = np.random.random()  # noqa: NPY002
        np.random.seed(seed)  # noqa: NPY002
        chosen.append(flipped_rows(X, FlipBatchIterator(64).transform(X, y)[0]))
        assert np.random.random() == expected  # noqa: NPY002
    assert np.array_equal(*chosen)


def test_a_second_epoch_flips_others():
    X, y = noise(64)
    batches = FlipBatchIterator(64)
    first, second = (flipped_rows(X, batches.transform(X, y)[0]) for _ in range(2))
    assert not np.array_equal(first, second)


def test_flipping_twice_gives_the_original():
    X, y = noise(9)
    Xb, yb = FlipBatchIterator(9, seed=3).transform(X, y)
    Xb, yb = FlipBatchIterator(9, seed=3).transform(Xb, yb)
    assert np.array_equal(Xb, X)
    assert np.array_equal(yb, y)


def test_without_targets():
    X, _ = noise(5)
    Xb, yb = FlipBatchIterator(5).transform(X, None)
    assert flipped_rows(X, Xb).sum() == 2
    assert yb is None


def grey_at(images, y, point):
    """Grey values of the pixels that a point of each face lies in."""
    at = COLUMNS.index(f"{point}_x")
    column, row = (np.floor(to_pixels(y[:, at + i])).astype(int) for i in (0, 1))
    return images[np.arange(len(y)), 0, row, column]


def test_labels_stay_on_their_pixels():
    X, y = small_faces.images(50)
    Xb, yb = FlipBatchIterator(50).transform(X, y)
    flipped = flipped_rows(X, Xb)
    for point in {name[:-2] for name in COLUMNS}:
        side = point.replace("left", "LEFT").replace("right", "left")
        other = side.replace("LEFT", "right")
        x = to_pixels(y[:, COLUMNS.index(f"{other}_x")])
        inside = flipped & (np.abs(x - np.round(x)) > 1e-3)  # not between two pixels
        assert inside.sum() > 20
        after = grey_at(Xb, yb, point)[inside]
        assert np.array_equal(after, grey_at(X, y, other)[inside]), point


def test_the_left_eye_is_on_the_right_of_the_picture_and_dark():
    X, y = small_faces.images(50)
    Xb, yb = FlipBatchIterator(50).transform(X, y)
    assert (yb[:, 0] > yb[:, 2]).all()
    eye = grey_at(Xb, yb, "left_eye_center")
    assert np.median(eye / Xb.mean(axis=(1, 2, 3))) < 0.8


def test_rows_of_pixels_are_an_error():
    X, y = small_faces.rows()
    with pytest.raises(ArgumentError, match=r"\(50, 9216\) cannot be flipped.*load2d"):
        FlipBatchIterator(50).transform(X, y)


def test_pairs_for_other_columns_are_an_error():
    X, y = noise(4)
    with pytest.raises(ArgumentError, match="names column 25, but y has only 4"):
        FlipBatchIterator(4).transform(X, y[:, :4])
    pairs = flip_pairs(COLUMNS[:4])
    _, yb = FlipBatchIterator(4, flip_indices=pairs).transform(X, y[:, :4])
    assert yb.shape == (4, 4)


class Swapped(FlipBatchIterator):
    flip_indices: ClassVar = [(0, 2)]  # as the tutorial's own class has them


def test_pairs_may_be_an_attribute_of_the_class():
    X, y = small_faces.images(10)
    iterator = Swapped(10)
    flipped = np.ones(10, bool)
    _, found = iterator.apply((X, y), flipped)
    assert np.array_equal(found[:, 0], -y[:, 2])
    assert np.array_equal(found[:, 4], -y[:, 4])
    assert np.array_equal(
        Swapped(10, flip_indices=[]).apply((X, y), flipped)[1][:, 0], -y[:, 0]
    )


def test_labels_of_classes_stay_as_they_are():
    X, _ = small_faces.images(10)
    labels = np.arange(10)
    Xb, yb = FlipBatchIterator(10).transform(X, labels)
    assert np.array_equal(yb, labels)
    assert (Xb == X[..., ::-1]).all(axis=(1, 2, 3)).sum() == 5
