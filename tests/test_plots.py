import drawn
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from kfkd import plots
from kfkd.data import to_pixels
from kfkd.storage import StorageError


def marked(picture):
    """Which pixels have the marks' colour; the faces are grey."""
    picture = picture.astype(int)
    return picture[..., 0] - picture[..., 2] > 90


def render(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


@pytest.mark.parametrize("shape", [(9216,), (1, 96, 96), (96, 96)])
def test_marks_are_where_the_labels_are(shape):
    X, y = drawn.images(20)
    figure = Figure(figsize=(9.6, 9.6), dpi=100)  # ten dots a pixel
    axis = figure.add_axes((0, 0, 1, 1))
    assert plots.plot_sample(X[3].reshape(shape), y[3], axis) is axis
    marks = marked(render(figure))
    x, y = np.split(to_pixels(y[3]).reshape(-1, 2) * 10, 2, axis=1)
    rows, columns = np.indices(marks.shape)
    away = np.hypot(columns + 0.5 - x[..., None], rows + 0.5 - y[..., None])
    assert (away[:, marks].min(axis=1) < 2).all()  # each point is marked,
    assert away[:, marks].min(axis=0).max() < 10  # and nothing else


def test_pixels_lie_as_the_labels_count():
    image = np.zeros((96, 96))
    image[40, 7] = 1
    figure = Figure(figsize=(9.6, 9.6), dpi=100)
    plots.plot_sample(image, np.array([-1.0, -1.0]), figure.add_axes((0, 0, 1, 1)))
    bright = render(figure)[..., :3].min(axis=-1) > 200
    bright[:20], bright[-20:], bright[:, :20], bright[:, -20:] = 0, 0, 0, 0  # frame
    rows, columns = np.nonzero(bright)
    assert rows.mean() == pytest.approx(405, abs=1)  # from 400 to 410
    assert columns.mean() == pytest.approx(75, abs=1)


def test_the_colours_are_black_for_0_and_white_for_1():
    figure = Figure(figsize=(1, 1), dpi=100)
    axis = figure.add_axes((0, 0, 1, 1))
    plots.plot_sample(np.full(9216, 0.5), np.zeros(2) + 0.9, axis)
    assert render(figure)[30, 30, 0] == pytest.approx(127.5, abs=2)


def panes(picture, rows, columns):
    height, width = picture.shape[0] // rows, picture.shape[1] // columns
    return [
        picture[i * height : (i + 1) * height, j * width : (j + 1) * width]
        for i in range(rows)
        for j in range(columns)
    ]


@pytest.mark.parametrize("n", [1, 5, 16, 20])
def test_each_face_has_a_pane(n, tmp_path):
    X, y = drawn.rows(20)
    path = tmp_path / "faces.png"
    plots.save_figure(plots.plot_predictions(X[:n], y[:n]), path)
    with Image.open(path) as file:
        picture = np.asarray(file.convert("RGB"))
    assert picture.shape[0] > 900
    assert [file.name for file in tmp_path.iterdir()] == ["faces.png"]
    for i, pane in enumerate(panes(picture, 4, 4)):
        pane = pane[12:-12, 12:-12]
        if i >= n:
            assert (pane == 255).all()
            continue
        assert marked(pane).sum() > 15 * 10
        # The grey values are those of this face.
        at = (np.indices((8, 8)).reshape(2, -1) + 0.5) / 8
        here = pane[tuple((at * np.array(pane.shape[:2])[:, None]).astype(int))]
        inner = X[i].reshape(96, 96)[4:-4, 4:-4]
        there = inner[tuple((at * 88).astype(int))]
        grey = ~marked(here)
        assert np.corrcoef(here[grey].mean(axis=-1), there[grey])[0, 1] > 0.8


def test_a_figure_is_saved_whole_or_not_at_all(tmp_path):
    path = tmp_path / "faces.xyz"
    with pytest.raises(ValueError, match="xyz"):
        plots.save_figure(Figure(), path)
    with pytest.raises(StorageError, match="there is no folder"):
        plots.save_figure(Figure(), tmp_path / "no" / "faces.png")
    assert list(tmp_path.iterdir()) == []


def test_other_formats(tmp_path):
    plots.save_figure(Figure(), tmp_path / "faces.svg")
    assert (tmp_path / "faces.svg").read_text().rstrip().endswith("</svg>")
