import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from kfkd import plots
from kfkd.storage import StorageError


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.png", b"\x89PNG\r\n"),
        ("a.PNG", b"\x89PNG\r\n"),
        ("a.svg", b"<?xml"),
        ("a.pdf", b"%PDF-"),
        ("a.jpg", b"\xff\xd8\xff"),
        ("a.jpeg", b"\xff\xd8\xff"),
        ("a.webp", b"RIFF"),
    ],
)
def test_the_ending_says_the_format(name, start, tmp_path):
    plots.save_figure(Figure(), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_axes_stand_for_their_figure(tmp_path):
    figure = Figure(figsize=(2, 1))
    below = figure.subfigures(1, 2)[0].subplots()
    plots.save_figure(below, tmp_path / "a.png")
    plots.save_figure(figure, tmp_path / "b.png")
    with Image.open(tmp_path / "a.png") as a, Image.open(tmp_path / "b.png") as b:
        assert a.size == (300, 150)
        assert (np.asarray(a) == np.asarray(b)).all()


def test_a_figure_is_saved_whole_or_not_at_all(tmp_path):
    with pytest.raises(plots.PlotError, match=r"faces.xyz ends in none of .png, .svg"):
        plots.save_figure(Figure(), tmp_path / "faces.xyz")
    with pytest.raises(StorageError, match="there is no folder"):
        plots.save_figure(Figure(), tmp_path / "no" / "faces.png")
    assert list(tmp_path.iterdir()) == []


def test_what_is_neither_a_figure_nor_axes(tmp_path):
    with pytest.raises(plots.PlotError, match=r"^5 is neither a Figure nor Axes$"):
        plots.save_figure(5, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
