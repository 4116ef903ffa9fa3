import itertools
import re

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from packaging.version import Version
from PIL import Image

from kfkd import augment, plots
from kfkd.data import COLUMNS, to_pixels
from kfkd.errors import ArgumentError, PredictionError
from tests.helpers import small_faces, stubs


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
    X, y = small_faces.images(20)
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


# Matplotlib before 3.11 may draw an image one pixel wider and higher.
EDGE = int(Version(matplotlib.__version__) < Version("3.11"))


def pane(picture, ax, i, edge=0):
    """Cut the i-th face out of a picture that shows an Axes and nothing else."""
    left, right, bottom, top = ax.images[i].get_extent()
    x = np.array([left, right]) / ax.get_xlim()[1] * picture.shape[1]
    y = np.array([top, bottom]) / ax.get_ylim()[0] * picture.shape[0]
    (x0, x1), (y0, y1) = x.round().astype(int), y.round().astype(int)
    rows = slice(max(y0 - edge, 0), y1 + edge)
    return picture[rows, max(x0 - edge, 0) : x1 + edge]


@pytest.mark.parametrize(
    ("n", "rows", "columns"), [(1, 1, 1), (3, 1, 3), (5, 2, 4), (20, 4, 4)]
)
def test_each_face_has_a_pane(n, rows, columns, tmp_path):
    X, y = small_faces.rows(20)
    path = tmp_path / "faces.png"
    ax = plots.plot_predictions(X[:n], y[:n])
    plots.save_figure(ax, path)
    with Image.open(path) as file:
        picture = np.array(file.convert("RGB"))
    rest = picture.copy()
    assert [file.name for file in tmp_path.iterdir()] == ["faces.png"]
    assert len(ax.images) == min(n, 16)
    for i in range(len(ax.images)):
        face = pane(picture, ax, i)
        assert min(face.shape[:2]) > 240
        size = np.array(picture.shape[:2]) / (rows, columns)
        assert np.abs(face.shape[:2] - size).max() < 10
        assert marked(face).sum() > 15 * 10
        # The grey values are those of this face.
        at = (np.indices((8, 8)).reshape(2, -1) + 0.5) / 8
        here = face[tuple((at * np.array(face.shape[:2])[:, None]).astype(int))]
        there = X[i].reshape(96, 96)[tuple((at * 96).astype(int))]
        grey = ~marked(here)
        assert np.corrcoef(here[grey].mean(axis=-1), there[grey])[0, 1] > 0.9
        pane(rest, ax, i, EDGE)[:] = 255
    assert (rest == 255).all()  # nothing anywhere else


def test_a_title_stands_above_the_faces():
    X, y = small_faces.rows(4)
    ax = plots.plot_predictions(X, y, title="$a$")
    ax.figure.draw_without_rendering()
    box = ax.title.get_window_extent()
    assert ax.title.get_text() == "$a$"
    assert not ax.title.get_parse_math()
    assert ax.bbox.y1 < box.y0
    assert box.y1 < ax.figure.bbox.y1


def test_marks_stay_with_their_face(tmp_path):
    X, y = small_faces.rows(4)
    beside = y * 0
    beside[0] = 1.5  # beyond the right lower corner, where the fourth face is
    ax = plots.plot_predictions(X, beside, rows=2, columns=2)
    picture = render(ax.figure)
    first, *others = (marked(pane(picture, ax, i)).sum() for i in range(4))
    assert first == 0
    assert others == [others[0]] * 3
    assert others[0] > 0


def at_points(ax):
    """Return the offsets of the marks in an Axes as {label: list of (n, 2)}."""
    found = {}
    for marks in ax.collections:
        found.setdefault(marks.get_label(), []).append(
            np.ma.getdata(marks.get_offsets())
        )
    return found


def tiles(ax):
    """Return the images of the faces, and their left upper corners, x and y."""
    return [
        (image.get_array(), np.array([image.get_extent()[0], image.get_extent()[3]]))
        for image in ax.images
    ]


def captions(ax):
    return [text.get_text() for text in ax.texts]


def test_a_comparison_has_each_net_beside_its_name():
    X, _ = small_faces.rows(5)
    nets = {name: stubs.Linear(seed=i, spread=0.1) for i, name in enumerate("abcde")}
    nets["crew"] = stubs.specialists(spread=0.1)
    ax = plots.plot_comparison(nets, X, 2)
    assert captions(ax) == ["a", "b", "c", "d", "e", "crew"]
    assert ax.get_legend() is None
    corners = [tuple(corner) for _, corner in tiles(ax)]
    assert len({x for x, _ in corners}) == 3
    assert len({y for _, y in corners}) == 2
    for (face, corner), points, net in zip(
        tiles(ax), at_points(ax)["predicted"], nets.values(), strict=True
    ):
        np.testing.assert_array_equal(face, X[2].reshape(96, 96))
        if isinstance(net, stubs.Linear):
            expected = 48 + 48 * net.predict(X[2:3]).reshape(15, 2)
            np.testing.assert_allclose(points - corner, expected, atol=1e-3)


@pytest.mark.parametrize("names", ["abcde", "abc", "ab"])
def test_a_comparison_of_several_faces_is_a_table(names):
    X, y = small_faces.images(5)
    nets = {name: stubs.Linear(seed=i, spread=0.1) for i, name in enumerate(names)}
    ax = plots.plot_comparison(nets, X, [4, 0, 1], y)
    faces = {tuple(corner): face for face, corner in tiles(ax)}
    columns, rows = (sorted({corner[i] for corner in faces}) for i in (0, 1))
    assert len(faces) == 3 * len(nets)
    assert len(rows) == min(len(nets), 3)
    for (i, net), (j, shown) in itertools.product(
        enumerate(nets.items()), enumerate([4, 0, 1])
    ):
        place = (j, i) if len(nets) <= 3 else (i, j)
        name, (left, top) = net[0], (columns[place[0]], rows[place[1]])
        np.testing.assert_array_equal(faces[left, top], X[shown, 0])
        off = 48 * (net[1].predict(X.reshape(5, -1))[shown] - y[shown])
        caption = f"{name} ({np.sqrt(np.mean(off**2)):.2f} pixels)"
        [text] = [text for text in ax.texts if text.get_text() == caption]
        x, above = text.get_position()
        assert left < x < left + 96
        assert top - 15 < above < top


def test_several_faces_of_one_net_fill_rows():
    X, y = small_faces.images(5)
    ax = plots.plot_comparison({"a": stubs.Linear(spread=0.1)}, X, range(5), y)
    corners = [tuple(corner) for _, corner in tiles(ax)]
    assert len({x for x, _ in corners}) == 3
    assert len({y for _, y in corners}) == 2
    for (face, _), image in zip(tiles(ax), X, strict=True):
        np.testing.assert_array_equal(face, image[0])


def test_a_comparison_with_the_true_points():
    X, y = small_faces.images(5)
    y = y.copy()
    y[1, 10:] = np.nan
    net = stubs.Linear(spread=0.1)
    ax = Figure().add_subplot()
    assert plots.plot_comparison({"_net$1$": net}, X, 1, y, ax) is ax
    off = 48 * (net.predict(X.reshape(5, -1))[1, :10] - y[1, :10])
    rmse = np.sqrt(np.mean(off**2))
    assert captions(ax) == [f"_net$1$ ({rmse:.2f} pixels)"]
    (points,) = at_points(ax)["true"]
    ((_, corner),) = tiles(ax)
    expected = 48 + 48 * y[1].reshape(15, 2)
    np.testing.assert_allclose(points - corner, expected, atol=1e-4)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["true", "predicted"]
    render(ax.figure)


@pytest.mark.parametrize("seed", range(3))
def test_a_flip_is_the_batch_iterators(seed):
    X, y = small_faces.images(3)
    X, y = X[seed], y[seed].copy()
    y[22:24] = np.nan  # the mouth's left corner
    iterator = augment.FlipBatchIterator(batch_size=2)
    Xb, yb = iterator.transform(np.stack([X, X]), np.stack([y, y]))
    (flipped,) = (i for i in range(2) if not np.array_equal(Xb[i], X))

    ax = plots.plot_flip(X, y)
    (first, at), (second, there) = tiles(ax)
    np.testing.assert_array_equal(first, X[0])
    np.testing.assert_array_equal(second, Xb[flipped, 0])
    assert captions(ax)[::2] == ["original", "flipped"]
    assert captions(ax)[1::2] == ["left_eye_center", "right_eye_center"]
    left = [i for i, name in enumerate(COLUMNS[::2]) if "left" in name]
    right = [i for i, name in enumerate(COLUMNS[::2]) if "right" in name]
    drawn_points = at_points(ax)
    for label, which in (("the person's left", left), ("the person's right", right)):
        for values, corner, points in zip(
            (y, yb[flipped]), (at, there), drawn_points[label], strict=True
        ):
            expected = (48 + 48 * values).reshape(15, 2)[which]
            np.testing.assert_allclose(points - corner, expected, atol=1e-4)
    # Where there was one's left, there is the other's right.
    was, _ = drawn_points["the person's left"]
    _, now = drawn_points["the person's right"]
    np.testing.assert_allclose(now[:2, 0] - there[0], 96 - was[:2, 0], atol=1e-4)
    assert len(ax.get_legend().get_texts()) == 3


def test_a_flip_of_a_specialists_points():
    X, y = small_faces.rows(2)
    columns = ("nose_tip_x", "nose_tip_y")
    where = COLUMNS.index("nose_tip_x")
    ax = plots.plot_flip(X[0], y[0, where : where + 2], columns=columns)
    first, second = at_points(ax)["middle"]
    (_, at), (_, there) = tiles(ax)
    mirrored = [96, 0] + (first - at) * [-1, 1]
    np.testing.assert_allclose(second - there, mirrored, atol=1e-4)
    assert captions(ax) == ["original", "flipped"]


def test_what_cannot_be_drawn():
    X, y = small_faces.rows(4)
    net = stubs.Linear()
    for call, message in [
        (lambda: plots.plot_predictions(X[:, :-1], y), "X has the shape"),
        (
            lambda: plots.plot_predictions(X[:0], y[:0]),
            "X has the shape (0, 9216): there is no face to draw",
        ),
        (lambda: plots.plot_predictions(X, y[:3]), "y has the shape"),
        (lambda: plots.plot_predictions(X, y[:, :3]), "x and y in turn"),
        (lambda: plots.plot_comparison({}, X), "a mapping of names"),
        (lambda: plots.plot_comparison([net], X), "a mapping of names"),
        (lambda: plots.plot_comparison(net, X), "a mapping of names"),
        (lambda: plots.plot_sample(X[0], y[0], Figure()), "ax is not an Axes, but Fig"),
        (lambda: plots.plot_comparison(stubs.specialists(), X), "mapping of names"),
        (
            lambda: plots.plot_comparison({"a": net}, X, 4),
            "no face 4; there are 0 to 3",
        ),
        (lambda: plots.plot_comparison({"a": net}, X, -1), "no face -1"),
        (lambda: plots.plot_comparison({"a": net}, X, 0.5), "no face 0.5"),
        (lambda: plots.plot_comparison({"a": net}, X, "one"), "no face 'o'"),
        (lambda: plots.plot_comparison({"a": net}, X, []), "index is empty"),
        (lambda: plots.plot_comparison({"a": net}, None), "X has the shape (1,);"),
        (lambda: plots.plot_predictions(None, y), "X has the shape (1,); images of"),
        (
            lambda: plots.plot_comparison({"a": net}, X, 3, y[:1]),
            "y has the shape (1, 30); for 4 images",
        ),
        (lambda: plots.plot_comparison({"a": net}, X, 0, y[:, :4]), "has 4 columns"),
        (lambda: plots.plot_flip(X[0], y[0, :4]), "shape (4,), for 30 columns"),
    ]:
        with pytest.raises(plots.PlotError, match=re.escape(message)):
            call()


@pytest.mark.parametrize("argument", ["rows", "columns"])
@pytest.mark.parametrize("number", [0, -1, 1.5])
def test_how_many_faces_to_draw(argument, number):
    message = f"^{argument} is {number}; it must be a whole number of at least 1$"
    with pytest.raises(ArgumentError, match=message):
        plots.plot_predictions(*small_faces.rows(4), **{argument: number})


def test_a_net_that_cannot_predict_is_named():
    compared = {"good": stubs.Linear(), "bad": small_faces.small()}
    with pytest.raises(PredictionError, match=r"^bad: the net has not been trained$"):
        plots.plot_comparison(compared, small_faces.rows(4)[0])
