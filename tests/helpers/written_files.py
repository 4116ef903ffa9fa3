"""All kinds of files that kfkd writes for its user, each with what writes it."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from kfkd import export, plots, storage
from kfkd.jobs.results import Results
from kfkd.prediction import submission
from kfkd.report import document, page
from tests.helpers import small_faces

MIN_SIZE = 20_000  # bytes of each of the files
OLD = b"what was there before"


def save_net(path):
    net = small_faces.small()
    net.initialize_layers()
    storage.save(net, path)


def export_net(path):
    pytest.importorskip("onnx")
    net = small_faces.small()
    net.initialize()
    export.save(net, path)


def save_figure(path):
    figure = Figure()
    figure.subplots().imshow(np.random.default_rng(0).random((400, 400)))
    plots.save_figure(figure, path)


def write_submission(path):
    ids = np.arange(1, 5001)
    lookup = pd.DataFrame({"RowId": ids, "ImageId": ids, "FeatureName": "nose_tip_x"})
    written = pd.DataFrame({"RowId": ids, "Location": np.full(len(ids), 48.5)})
    submission.write(written, lookup, path)


def write_page(path):
    section = document.Section("A title", [document.Text("word " * 9999)], id="a")
    page.write(document.Page("A page", "of words", [], [], [section]), path)


def save_part(path):
    Results(path.parent).save("part", bytes(2 * MIN_SIZE), {})


WRITERS = [
    ("net.pickle", save_net),
    ("net.npz", save_net),
    ("net.onnx", export_net),
    ("figure.png", save_figure),
    ("figure.svg", save_figure),
    ("submission.csv", write_submission),
    ("page.html", write_page),
    ("part.pickle", save_part),
]
