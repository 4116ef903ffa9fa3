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


def grey_of(path):
    return np.asarray(image_files.open_image(path).convert("L")).astype(int)


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
    np.testing.assert_allclose(grey_of(tmp_path / name), GREY, atol=1)


def test_colours_count_by_their_luma(tmp_path):
    colours = np.zeros((96, 96, 3), np.uint8)
    for channel in range(3):
        colours[32 * channel : 32 * channel + 32, :, channel] = 255
    grey = grey_of(save(tmp_path / "a.png", colours))
    for row, part in ((16, 0.299), (48, 0.587), (80, 0.114)):
        assert grey[row, 48] == pytest.approx(255 * part, abs=1)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits(tmp_path, name):
    path = save(tmp_path / name, GREY.astype(np.uint16) * 257)
    np.testing.assert_array_equal(grey_of(path), GREY)


def test_black_and_white(tmp_path):
    path = save(tmp_path / "a.png", GREY > 127)
    np.testing.assert_array_equal(grey_of(path), (GREY > 127) * 255)


def test_what_is_transparent_is_white(tmp_path):
    black = np.zeros((96, 96, 4), np.uint8)
    black[:48, :, 3] = 255
    grey = grey_of(save(tmp_path / "a.png", black))
    assert (grey[:48] == 0).all()
    assert (grey[48:] == 255).all()
    palette = Image.new("P", (96, 96), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.save(tmp_path / "b.gif", transparency=1)
    assert (grey_of(tmp_path / "b.gif") == 255).all()


def test_a_photograph_is_turned_upright(tmp_path):
    picture = Image.new("L", (120, 96))
    picture.putpixel((90, 20), 255)
    exif = picture.getexif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees when shown
    picture.save(tmp_path / "a.png", exif=exif)
    assert image_files.open_image(tmp_path / "a.png").size == (96, 120)
    assert np.argwhere(grey_of(tmp_path / "a.png")).tolist() == [[90, 95 - 20]]


def test_only_the_first_page_counts(tmp_path):
    page = Image.fromarray(GREY)
    more = [Image.new("L", (50, 20))]
    page.save(tmp_path / "a.tif", save_all=True, append_images=more)
    np.testing.assert_array_equal(grey_of(tmp_path / "a.tif"), GREY)


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
        image_files.open_image(path)
    assert "\n" not in str(caught.value)


def test_large_images(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", GREY)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 96 * 96 - 1)
    np.testing.assert_array_equal(grey_of(path), GREY)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match="it has more than 200 pixels; save it smaller"):
        image_files.open_image(path)


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_files_folders_and_patterns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "a/2.JPG", "a/1.png", "a/.hidden.png", "a/words.txt", "a/b/3.webp")
    touch(tmp_path, "c/x1.png", "c/x2.png", "c/y.png", "[1].png", "1.png")
    os.mkdir("a/folder.png")

    def found(*paths):
        return [str(path) for path in image_files.find_images(paths)]

    assert found("c/y.png", "a") == ["c/y.png", "a/1.png", "a/2.JPG"]
    assert found("c/x*.png") == ["c/x1.png", "c/x2.png"]
    assert found("**/*.webp") == ["a/b/3.webp"]
    assert found("a/*") == ["a/1.png", "a/2.JPG", "a/words.txt"]  # no folders
    # A file that is there is meant by its name, and one that is not is told later.
    assert found("[1].png", "no.png") == ["[1].png", "no.png"]
    assert found("c/y.png", "c", "./c/y.png") == ["c/y.png", "c/x1.png", "c/x2.png"]
    assert found() == []
    os.mkdir("empty")
    with pytest.raises(DataError, match=r"^empty has no images: no file in it ends in"):
        found("empty")
    with pytest.raises(DataError, match=r"^no file is called c/z\*\.png$"):
        found("c/z*.png")
