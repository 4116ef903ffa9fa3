"""Where drawn faces have their points: other marks, heads that turn."""

import numpy as np
import pytest

from kfkd import faces
from kfkd.data import COLUMNS
from kfkd.errors import ArgumentError
from kfkd.faces import points

NOSE, TOP_LIP, BOTTOM_LIP = (
    [COLUMNS.index(f"{name}_{axis}") for axis in "xy"]
    for name in ("nose_tip", "mouth_center_top_lip", "mouth_center_bottom_lip")
)


def sample(n, **options):
    rng = np.random.default_rng(7)
    return np.array([points.sample(rng, **options) for _ in range(n)])


def test_sparse_marks_lie_between_the_full_ones():
    full = sample(50)
    marked = faces.mark_sparsely(full)
    for at, start, end in ((NOSE, NOSE, TOP_LIP), (BOTTOM_LIP, TOP_LIP, BOTTOM_LIP)):
        way, part = full[:, end] - full[:, start], marked[:, at] - full[:, start]
        share = (part * way).sum(axis=1) / (way**2).sum(axis=1)
        assert np.all((share > 0.3) & (share < 0.6))
        np.testing.assert_allclose(part, share[:, None] * way, atol=0.05)
    others = np.delete(np.arange(30), NOSE + BOTTOM_LIP)
    np.testing.assert_array_equal(marked[:, others], full[:, others])
    np.testing.assert_array_equal(faces.mark_sparsely(full[3]), marked[3])


def test_points_of_another_shape_are_an_error():
    with pytest.raises(ArgumentError, match=r"shape of points is \(2, 8\); .*\(30,\)"):
        faces.mark_sparsely(sample(2)[:, :8])
    face = sample(1)[0]
    np.testing.assert_array_equal(
        faces.mark_sparsely(face.tolist()), faces.mark_sparsely(face)
    )


def turn_of(points):
    """Return how far noses are beside the middle of the eyes, in distances of these."""
    eyes = points.reshape(-1, 15, 2)[:, :2]
    across = eyes[:, 0] - eyes[:, 1]
    nose = points[:, NOSE] - eyes.mean(axis=1)
    return (nose * across).sum(axis=1) / (across**2).sum(axis=1)


def test_turned_heads():
    front, turned = turn_of(sample(2000)), turn_of(sample(2000, turn=20))
    assert abs(turned.mean()) < 0.03
    # The tip of the nose is half a distance of the eyes before these.
    extra = (turned.std() ** 2 - front.std() ** 2) ** 0.5
    assert extra == pytest.approx(0.5 * np.tan(np.radians(20)), rel=0.2)


def test_a_turn_of_a_head_is_a_rotation():
    """Seen from the front, a head that turns keeps its heights and loses its width."""
    face = sample(1)[0]
    x_and_y = face.reshape(15, 2)
    across = x_and_y[0] - x_and_y[1]
    along = across / np.hypot(*across)
    down = np.array([-along[1], along[0]])
    for yaw in (-25, 10):
        moved = points._turned(face.copy(), yaw, 0).reshape(15, 2)
        np.testing.assert_allclose(moved @ down, x_and_y @ down, atol=1e-9)
        eyes = np.hypot(*(moved[0] - moved[1]))
        assert eyes == pytest.approx(np.hypot(*across) * np.cos(np.radians(yaw)))
        nose = (moved[10] - moved[:2].mean(axis=0)) @ along
        before = (x_and_y[10] - x_and_y[:2].mean(axis=0)) @ along
        assert (nose - before) * yaw > 0


def test_faces_that_turn_are_others_and_repeatable():
    images, where = faces.draw(3, 1, turn=15)
    again, _ = faces.draw(3, 1, turn=15)
    np.testing.assert_array_equal(images, again)
    assert not np.array_equal(where, faces.draw(3, 1)[1])


@pytest.mark.parametrize("turn", [-1, 31, "20", None, float("nan")])
def test_other_turns_are_an_error(turn):
    with pytest.raises(ArgumentError, match=r"turn is .* from 0 to 30 degrees"):
        faces.draw(1, turn=turn)
