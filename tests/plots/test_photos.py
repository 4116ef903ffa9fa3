import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from kfkd.data import COLUMNS
from kfkd.errors import ArgumentError, PlotError
from kfkd.plots import photos, save_figure
from kfkd.prediction.photographs import BOX_COLUMNS


def table_of(faces):
    """A table with a face for each pair of file and box; points from 0 to 1 in it."""
    rows = []
    for _, (left, top, width, height) in faces:
        part = np.linspace(0, 1, len(COLUMNS))
        points = part * np.tile([width, height], 15) + np.tile([left, top], 15)
        rows.append([left, top, width, height, *points])
    index = [(str(file), i) for i, (file, _) in enumerate(faces)]
    index = pd.MultiIndex.from_tuples(index, names=["File", "Face"])
    return pd.DataFrame(rows, index, [*BOX_COLUMNS, *COLUMNS])


def test_drawing_images_of_several_sizes(tmp_path):
    sizes = [(96, 96), (640, 480), (3000, 200)]
    paths = [tmp_path / f"{width}.png" for width, _ in sizes]
    for size, path in zip(sizes, paths, strict=True):
        Image.new("L", size).save(path)
    table = table_of([(path, (1, 2, 90, 80)) for path in [paths[0], *paths]])
    figure = photos.plot_photographs(table)
    assert len(figure.axes) == 4
    for axis, size, faces in zip(figure.axes, sizes, (2, 1, 1), strict=False):
        assert axis.get_xlim() == (0, size[0])
        assert axis.get_ylim() == (size[1], 0)
        assert axis.images[0].get_extent() == [0, size[0], size[1], 0]
        assert [box.get_bbox().bounds for box in axis.patches] == [
            (1, 2, 90, 80)
        ] * faces
        drawn = {tuple(xy) for line in axis.lines for xy in line.get_xydata()}
        expected = table.iloc[0][[*COLUMNS]].to_numpy().reshape(15, 2)
        assert drawn == set(map(tuple, expected))
    assert not figure.axes[3].images
    assert len(photos.plot_photographs(table, most=1).axes) == 1


def test_tables_that_cannot_be_drawn():
    with pytest.raises(PlotError, match="has no faces"):
        photos.plot_photographs(table_of([("a.png", (0, 0, 1, 1))]).iloc[:0])
    for table in (None, [], pd.DataFrame({"x": [1]})):
        with pytest.raises(ArgumentError, match="table"):
            photos.plot_photographs(table)


def test_every_point_has_the_colour_of_its_part():
    names = [
        name for _, lines in photos.PARTS.values() for line in lines for name in line
    ]
    assert set(names) == {column[:-2] for column in COLUMNS}
    assert len({colour for colour, _ in photos.PARTS.values()}) == len(photos.PARTS)


@pytest.mark.parametrize(
    ("size", "times"),
    [((1300, 777), 1), ((480, 481), 1), ((96, 96), 5), ((200, 50), 10)],
)
def test_an_image_by_itself_keeps_its_size_and_colours(tmp_path, size, times):
    grid = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)
    grid[: size[1] // 2] = (200, 100, 50)
    Image.fromarray(grid).save(tmp_path / "a.png")
    box = (size[0] // 2, size[1] // 2, 20, 20)
    figure = photos.plot_photographs(table_of([(tmp_path / "a.png", box)]))
    save_figure(figure, tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        assert image.size == (size[0] * times, size[1] * times)
        drawn = np.asarray(image.convert("RGB"))
    quarter = drawn[: drawn.shape[0] // 4]
    assert (quarter == (200, 100, 50)).all()
    if times == 1:  # each pixel is itself, far from the box
        left = slice(0, size[0] // 4)
        difference = drawn[-50:, left] - grid[-50:, left].astype(int)
        assert abs(difference).max() <= 1  # by rounding


def test_the_colours_are_seen(tmp_path):
    Image.new("RGB", (800, 800), "white").save(tmp_path / "a.png")
    table = table_of([(tmp_path / "a.png", (100, 100, 600, 600))])
    save_figure(photos.plot_photographs(table), tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        seen = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
    for colour, _ in photos.PARTS.values():
        assert tuple(round(255 * part) for part in to_rgb(colour)) in seen
