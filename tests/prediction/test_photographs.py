import numpy as np
import pytest
from PIL import Image

from kfkd.data import COLUMNS
from kfkd.errors import ArgumentError, DataError
from kfkd.prediction import photographs
from kfkd.prediction.crops import Box
from tests.helpers import stubs
from tests.helpers.portraits import PATH, portrait


def test_the_whole_image_or_a_part_of_it(tmp_path):
    path = tmp_path / "a.png"
    Image.new("L", (640, 480), 51).save(path)
    (face,) = photographs.read_faces(path, detect=False)
    assert face.box == Box(80, 0, 480, 480)
    np.testing.assert_allclose(face.grey, 0.2)
    (face,) = photographs.read_faces(path, crop=(440, 280, 200, 200))
    assert face.box == (440, 280, 200, 200)


def test_a_crop_as_it_is_found_gives_the_same(tmp_path):
    pytest.importorskip("cv2")
    (found,) = photographs.read_faces(PATH)
    (again,) = photographs.read_faces(PATH, crop=found.box)
    assert again.box == found.box
    np.testing.assert_array_equal(again.grey, found.grey)


def test_a_photograph_on_its_side_is_turned(tmp_path):
    pytest.importorskip("cv2")
    image = portrait()
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees when shown
    path = tmp_path / "a.png"
    image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    (turned,) = photographs.read_faces(path)
    (face,) = photographs.read_faces(PATH)
    np.testing.assert_array_equal(turned.box, face.box)
    np.testing.assert_array_equal(turned.grey, face.grey)


@pytest.mark.parametrize("size", [(1, 1), (23, 96), (4000, 23)])
def test_images_too_small_for_a_face(tmp_path, size):
    path = tmp_path / "a.png"
    Image.new("L", size).save(path)
    message = rf"a\.png has {size[0]} x {size[1]} pixels, too few .*; at least 24 x 24 "
    with pytest.raises(DataError, match=message):
        photographs.read_faces(path)
    Image.new("L", (24, 24), 51).save(path)
    (face,) = photographs.read_faces(path, detect=False)
    np.testing.assert_allclose(face.grey, 0.2)


@pytest.mark.parametrize(
    ("crop", "message"),
    [
        (
            (-26, 0, 50, 50),
            "the middle of the crop -26,0,50,50 is not in .*, which",
        ),
        ((76, 0, 50, 50), "the middle of the crop"),
        ((0, 60, 50, 41), "the middle of the crop"),
        ((0, -80, 50, 50), "the middle of the crop"),
        ((10, 10, 23, 50), "a crop of 23 x 50 pixels is too small"),
    ],
)
def test_crops_that_cannot_be(tmp_path, crop, message):
    Image.new("L", (100, 80)).save(tmp_path / "a.png")
    with pytest.raises(ArgumentError, match=message):
        photographs.read_faces(tmp_path / "a.png", crop=crop)


def test_a_crop_over_the_edge(tmp_path):
    Image.new("L", (100, 80), 51).save(tmp_path / "a.png")
    (face,) = photographs.read_faces(tmp_path / "a.png", crop=(-20, -9, 60, 60))
    assert face.box == (-20, -9, 60, 60)
    np.testing.assert_allclose(face.grey, 0.2)


def test_without_a_face_the_table_is_empty():
    for found in ({}, {"a.png": []}):
        table = photographs.predict_faces(stubs.Linear(), found)
        assert table.shape == (0, 34)
        assert table.index.names == ["File", "Face"]
    few = {(*COLUMNS[:2],): stubs.Linear(2)}
    assert photographs.predict_faces(few, {}).shape == (0, 6)


@pytest.mark.parametrize(
    "found", [[], "a.png", {"a.png": "b.png"}, {"a.png": [1]}, None]
)
def test_what_is_not_a_mapping_of_faces(found):
    with pytest.raises(ArgumentError, match=r"^found is .*mapping of paths to lists"):
        photographs.predict_faces(stubs.Linear(), found)


def test_predictions_are_in_the_pixels_of_each_image(tmp_path):
    values = {"a.png": (50, 200), "b.png": (120,)}
    boxes = [Box(10, 20, 48, 48), Box(70.5, 5, 96, 96), Box(0, 0, 192, 192)]
    left = iter(boxes)
    found = {}
    for name, greys in values.items():
        found[name] = []
        for grey in greys:
            Image.new("L", (400, 300), grey).save(tmp_path / "x.png")
            crop = next(left)
            found[name] += photographs.read_faces(tmp_path / "x.png", crop=crop)
    found["none.png"] = []
    net = stubs.Linear(spread=0.1)
    table = photographs.predict_faces(net, found)
    assert table.index.names == ["File", "Face"]
    assert table.index.tolist() == [("a.png", 1), ("a.png", 2), ("b.png", 1)]
    assert list(table) == [*photographs.BOX_COLUMNS, *COLUMNS]
    np.testing.assert_array_equal(table[[*photographs.BOX_COLUMNS]], boxes)
    for (_, row), box, grey in zip(
        table.iterrows(), boxes, (50, 200, 120), strict=True
    ):
        X = np.full((1, 9216), grey / np.float32(255), np.float32)
        expected = (48 + 48 * net.predict(X)[0]) * box.width / 96
        expected[0::2] += box.left
        expected[1::2] += box.top
        np.testing.assert_allclose(row[[*COLUMNS]], expected, atol=1e-3)
