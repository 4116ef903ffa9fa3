import numpy as np
from PIL import Image

from kfkd.data import COLUMNS
from kfkd.plots import photos


def test_drawing_images_of_several_sizes(tmp_path):
    sizes = [(96, 96), (640, 480), (3000, 200)]
    paths = [tmp_path / f"{width}.png" for width, _ in sizes]
    points = []
    for size, path in zip(sizes, paths, strict=True):
        Image.new("L", size).save(path)
        points.append(np.outer(np.ones(15), size).ravel() * np.linspace(0, 1, 30))
    figure = photos.plot_points(paths, points)
    assert len(figure.axes) == 4
    for axis, size, xy in zip(figure.axes, sizes, points, strict=False):
        assert axis.get_xlim() == (0, size[0])
        assert axis.get_ylim() == (size[1], 0)
        assert axis.images[0].get_extent() == [0, size[0], size[1], 0]
        drawn = axis.collections[0].get_offsets()
        np.testing.assert_array_equal(drawn, xy.reshape(len(COLUMNS) // 2, 2))
    assert not figure.axes[3].images
