import os
import re

import numpy as np
import pytest
from PIL import Image

from kfkd.data import DataError
from kfkd.prediction import image_files

GREY = np.random.default_rng(0).integers(0, 256, (96, 96), np.uint8)


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def square(face):
    return (face.grey.reshape(96, 96) * 255).round().astype(int)


def spots(width, height, points, mode="RGB"):
    """A dark picture with a bright disc around each point."""
    y, x = np.mgrid[0.5:height, 0.5:width]
    radius = min(width, height) / 24
    picture = np.full((height, width), 10, np.uint8)
    for px, py in points:
        picture[np.hypot(x - px, y - py) < radius] = 240
    return Image.fromarray(picture).convert(mode)


def bright_centre(grey):
    y, x = np.mgrid[0.5:96, 0.5:96]
    weight = grey > 128
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


def test_a_picture_as_in_the_test_set_stays_as_it_is(tmp_path):
    face = image_files.read_face(save(tmp_path / "face.png", GREY))
    np.testing.assert_array_equal(face.grey, (GREY / np.float32(255)).ravel())
    assert face.grey.dtype == np.float32
    points = np.linspace(0, 96, 30)
    np.testing.assert_array_equal(face.to_own(points), points)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("a.png", "RGB"),
        ("a.png", "RGBA"),
        ("a.png", "LA"),
        ("a.gif", "P"),
        ("a.bmp", "L"),
        ("a.tif", "CMYK"),
        ("a.webp", "RGB"),
    ],
)
def test_grey_is_the_same_in_every_mode(tmp_path, name, mode):
    picture = Image.fromarray(GREY).convert(mode)
    options = {"lossless": True} if name == "a.webp" else {}
    picture.save(tmp_path / name, **options)
    face = image_files.read_face(tmp_path / name)
    np.testing.assert_allclose(square(face), GREY, atol=1)


def test_colours_count_by_their_luma(tmp_path):
    colours = np.zeros((96, 96, 3), np.uint8)
    for channel in range(3):
        colours[32 * channel : 32 * channel + 32, :, channel] = 255
    grey = square(image_files.read_face(save(tmp_path / "a.png", colours)))
    for row, part in ((16, 0.299), (48, 0.587), (80, 0.114)):
        assert grey[row, 48] == pytest.approx(255 * part, abs=1)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits(tmp_path, name):
    path = save(tmp_path / name, GREY.astype(np.uint16) * 257)
    np.testing.assert_array_equal(square(image_files.read_face(path)), GREY)


def test_black_and_white(tmp_path):
    path = save(tmp_path / "a.png", GREY > 127)
    np.testing.assert_array_equal(
        square(image_files.read_face(path)), (GREY > 127) * 255
    )


def test_what_is_transparent_is_white(tmp_path):
    black = np.zeros((96, 96, 4), np.uint8)
    black[:48, :, 3] = 255
    grey = square(image_files.read_face(save(tmp_path / "a.png", black)))
    assert (grey[:48] == 0).all()
    assert (grey[48:] == 255).all()
    palette = Image.new("P", (96, 96), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.save(tmp_path / "b.gif", transparency=1)
    assert (square(image_files.read_face(tmp_path / "b.gif")) == 255).all()


@pytest.mark.parametrize("size", [(96, 96), (640, 480), (481, 640), (50, 30), (97, 96)])
def test_points_lead_back_to_where_they_are_in_the_image(tmp_path, size):
    for part in ((0.5, 0.5), (0.4, 0.55), (0.6, 0.4)):
        true = np.array(size) * part
        spots(*size, [true]).save(tmp_path / "a.png")
        face = image_files.read_face(tmp_path / "a.png")
        found = face.to_own(bright_centre(square(face)))
        np.testing.assert_allclose(found, true, atol=0.02 * min(size))


@pytest.mark.parametrize(
    ("size", "corners"),
    [((640, 480), [80, 0, 560, 480]), ((300, 601), [0, 150.5, 300, 450.5])],
)
def test_the_square_is_the_largest_in_the_middle(tmp_path, size, corners):
    Image.new("RGB", size).save(tmp_path / "a.png")
    face = image_files.read_face(tmp_path / "a.png")
    np.testing.assert_allclose(face.to_own([0, 0, 96, 96]), corners, rtol=1e-12)
    assert face.to_own(np.zeros((5, 3, 30))).shape == (5, 3, 30)


def test_nothing_is_stretched(tmp_path):
    spots(600, 300, [(300, 150)]).save(tmp_path / "a.png")
    bright = square(image_files.read_face(tmp_path / "a.png")) > 128
    assert bright.any(axis=0).sum() == bright.any(axis=1).sum() == 8


def test_fine_patterns_are_averaged_not_skipped(tmp_path):
    stripes = np.zeros((960, 960), np.uint8)
    stripes[:, ::2] = 255
    grey = square(image_files.read_face(save(tmp_path / "a.png", stripes)))
    assert np.abs(grey - 127.5).max() < 15


def test_a_photograph_is_turned_upright(tmp_path):
    picture = spots(120, 96, [(90, 20)])
    exif = picture.getexif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees when shown
    picture.save(tmp_path / "a.png", exif=exif)
    assert image_files.open_image(tmp_path / "a.png").size == (96, 120)
    face = image_files.read_face(tmp_path / "a.png")
    found = face.to_own(bright_centre(square(face)))
    np.testing.assert_allclose(found, [96 - 20, 90], atol=2)


def test_only_the_first_page_counts(tmp_path):
    page = Image.fromarray(GREY)
    more = [Image.new("L", (50, 20))]
    page.save(tmp_path / "a.tif", save_all=True, append_images=more)
    face = image_files.read_face(tmp_path / "a.tif")
    np.testing.assert_array_equal(square(face), GREY)


def cut(path):
    save(path, GREY)
    path.write_bytes(path.read_bytes()[:3000])


def other_depth(path):
    Image.new("F", (96, 96)).save(path, "TIFF")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "cannot be read as an image: No such file or directory$"),
        (os.mkdir, "cannot be read as an image: Is a directory$"),
        (
            lambda path: path.write_text("a,b"),
            "is not an image of a known format, such as JPEG or PNG$",
        ),
        (
            lambda path: path.write_bytes(b""),
            "is not an image of a known format, such as JPEG or PNG$",
        ),
        (cut, "cannot be read as an image: "),
        (
            other_depth,
            "cannot be read as an image: the grey value of white is unknown for 32",
        ),
    ],
)
def test_what_is_no_image(tmp_path, make, message):
    path = tmp_path / "a.png"
    make(path)
    with pytest.raises(DataError, match=f"^{re.escape(str(path))} {message}") as caught:
        image_files.read_face(path)
    assert "\n" not in str(caught.value)


def test_large_images(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", GREY)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 96 * 96 - 1)
    np.testing.assert_array_equal(square(image_files.read_face(path)), GREY)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match="it has more than 200 pixels; save it smaller"):
        image_files.read_face(path)


@pytest.mark.parametrize("size", [(1, 1), (23, 96), (4000, 23)])
def test_images_too_small_for_a_face(tmp_path, size):
    Image.new("L", size).save(tmp_path / "a.png")
    message = rf"a\.png has {size[0]} x {size[1]} pixels, too few .*; at least 24 x 24 "
    with pytest.raises(DataError, match=message):
        image_files.read_face(tmp_path / "a.png")
    Image.new("L", (24, 24), 51).save(tmp_path / "a.png")
    assert (square(image_files.read_face(tmp_path / "a.png")) == 51).all()
