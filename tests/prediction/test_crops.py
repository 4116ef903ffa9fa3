import numpy as np
import pytest
from PIL import Image

from kfkd.prediction.crops import Box, crop_face, middle_square

GREY = np.random.default_rng(0).integers(0, 256, (96, 96), np.uint8)


def square(face):
    return (face.grey.reshape(96, 96) * 255).round().astype(int)


def whole(image):
    return crop_face(image, Box(0, 0, *image.size))


def spots(width, height, points):
    """A dark picture with a bright disc around each point."""
    y, x = np.mgrid[0.5:height, 0.5:width]
    radius = min(width, height) / 24
    picture = np.full((height, width), 10, np.uint8)
    for px, py in points:
        picture[np.hypot(x - px, y - py) < radius] = 240
    return Image.fromarray(picture).convert("RGB")


def bright_centre(grey):
    y, x = np.mgrid[0.5:96, 0.5:96]
    weight = grey > 128
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


def test_a_picture_as_in_the_test_set_stays_as_it_is():
    face = whole(Image.fromarray(GREY))
    np.testing.assert_array_equal(face.grey, (GREY / np.float32(255)).ravel())
    assert face.grey.dtype == np.float32
    points = np.linspace(0, 96, 30)
    np.testing.assert_array_equal(face.to_own(points), points)


@pytest.mark.parametrize("size", [(96, 96), (640, 480), (481, 640), (50, 30), (97, 96)])
def test_points_lead_back_to_where_they_are_in_the_image(size):
    for part in ((0.5, 0.5), (0.4, 0.55), (0.6, 0.4)):
        true = np.array(size) * part
        face = whole(spots(*size, [true]))
        found = face.to_own(bright_centre(square(face)))
        np.testing.assert_allclose(found, true, atol=0.02 * min(size))


@pytest.mark.parametrize(
    "box",
    [
        *((100, 50, 200, 200), (330.5, 210.25, 150, 150)),
        *((-60, -40, 300, 300), (500, 300, 250, 250), (-100, -200, 900, 900)),
    ],
)
def test_a_box_within_the_image_or_over_its_edges(box):
    box = Box(*box)
    middle = np.array([box.left + box.width / 2, box.top + box.height / 2])
    true = np.clip(np.add(middle, (-20, 15)), 30, (610, 450))
    face = crop_face(spots(640, 480, [true]), box)
    assert face.box == box
    found = face.to_own(bright_centre(square(face)))
    np.testing.assert_allclose(found, true, atol=0.02 * box.width)


def test_beyond_the_edges_the_outermost_pixels_go_on():
    stripes = np.tile(np.arange(96, dtype=np.uint8)[:, None], (1, 96))
    grey = square(crop_face(Image.fromarray(stripes), Box(-48, 0, 96, 96)))
    np.testing.assert_array_equal(grey, stripes)
    grey = square(crop_face(Image.fromarray(stripes), Box(0, -48, 96, 96)))
    np.testing.assert_array_equal(grey[:48], 0)
    np.testing.assert_array_equal(grey[48:], stripes[:48])


@pytest.mark.parametrize(
    ("box", "corners"),
    [((0, 0, 640, 480), [80, 0, 560, 480]), ((7, 3, 300, 601), [7, 153.5, 307, 453.5])],
)
def test_the_square_is_the_largest_in_the_middle(box, corners):
    assert middle_square(Box(*box))[:2] == tuple(corners[:2])
    face = crop_face(Image.new("RGB", (700, 700)), Box(*box))
    np.testing.assert_allclose(face.to_own([0, 0, 96, 96]), corners, rtol=1e-12)
    assert face.to_own(np.zeros((5, 3, 30))).shape == (5, 3, 30)


def test_nothing_is_stretched():
    bright = square(whole(spots(600, 300, [(300, 150)]))) > 128
    assert bright.any(axis=0).sum() == bright.any(axis=1).sum() == 8


def test_fine_patterns_are_averaged_not_skipped():
    stripes = np.zeros((960, 960), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(square(whole(Image.fromarray(stripes))) - 127.5).max() < 15
