"""kfkd.report: the tutorial's numbers, tables, which data it is, the page."""

import base64
import html.parser
import io
import re
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kfkd.history import weighted_mean
from kfkd.report import document, page, results, tables, tutorial
from kfkd.reproduction import Run

ROOT = Path(__file__).resolve().parents[2]


def history(train, valid, dur=0.5):
    """A net that has only a history: as many epochs as losses."""
    rows = [
        dict(epoch=i, train_loss=t, valid_loss=v, dur=dur)
        for i, (t, v) in enumerate(zip(train, valid, strict=True), start=1)
    ]
    return types.SimpleNamespace(train_history_=rows, max_epochs=len(rows))


def falling(epochs):
    """A net whose losses tell the epoch: 1 / epoch, 2 / epoch."""
    return history(1 / np.arange(1, epochs + 1), 2 / np.arange(1, epochs + 1))


def column(table, name):
    return [row[name] for row in table.rows]


# The table at the end of the section "Dropout", by the nets' names here.
FINAL = {
    "net1": (400, 0.002244, 0.003255),
    "net2": (1000, 0.001079, 0.001566),
    "net3": (3000, 0.000678, 0.001288),
    "net4": (1000, 0.000496, 0.001387),
    "net5": (2000, 0.000373, 0.001184),
    "net6": (3000, 0.001306, 0.001121),
    "net12": (10000, 0.000760, 0.000787),
}


def test_the_tutorials_tables_agree_with_one_another():
    assert {name: tutorial.LOSSES[name][-1][:3] for name in FINAL} == FINAL
    for rows in tutorial.LOSSES.values():
        epochs = [row.epoch for row in rows]
        assert epochs == sorted(set(epochs))
        for row in rows:
            error = 0.5e-6 * (1 / row.train + 1 / row.valid)  # both are rounded
            assert row.ratio == pytest.approx(row.train / row.valid, rel=error)


def test_the_readme_has_the_same_numbers():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (net\d+) \|[^|]*\|[^|]*\| ([\d.]+) / ([\d.]+)", text, re.M)
    checked = {name: (float(train), float(valid)) for name, train, valid in rows}
    assert len(checked) >= 7
    for name, losses in checked.items():
        assert losses in [(row.train, row.valid) for row in tutorial.LOSSES[name]]


def test_losses_at_the_tutorials_epochs():
    table = tables.losses("net4", falling(3000), 1)
    epochs = [50, 100, 250, 500, 750, 1000, 3000]
    assert column(table, "epoch") == [str(epoch) for epoch in epochs]
    assert column(table, "train loss: here") == [f"{1 / e:.6f}" for e in epochs]
    assert column(table, "validation loss: here") == [f"{2 / e:.6f}" for e in epochs]
    assert column(table, "train / val: here") == ["0.500"] * 7
    assert column(table, "train loss: tutorial")[:2] == ["0.004216", "0.003533"]
    assert column(table, "train loss: tutorial")[-1] == "–"
    pixels = [f"{48 * (2 / e) ** 0.5:.2f}" for e in epochs]
    assert column(table, "RMSE, pixels: here") == pixels
    # In the tutorial: np.sqrt(0.001566) * 48 == 1.8994904579913006
    assert column(tables.losses("net2", falling(1000), 1), "RMSE, pixels: tutorial")[
        -1
    ] == ("1.90")


def test_losses_at_scaled_epochs():
    table = tables.losses("net2", falling(100), 0.1)
    assert column(table, "epoch: tutorial") == ["500", "1000"]
    assert column(table, "epoch: here (× 0.1)") == ["50", "100"]
    assert column(table, "train loss: here") == ["0.020000", "0.010000"]
    assert column(table, "train loss: tutorial") == ["0.001791", "0.001079"]


def test_losses_of_a_net_that_diverged():
    net = history([0.1] * 60 + [np.nan], [0.2] * 60 + [np.inf])
    net.max_epochs = 3000
    table = tables.losses("net6", net, 1)
    rows = dict(zip(column(table, "epoch"), table.rows, strict=True))
    assert "0.100000" in rows["50"].values()
    assert [*rows["61"].values()].count("not a number") == 4
    here = column(table, "train loss: here")
    assert here[column(table, "epoch").index("3000")] == "–"


@pytest.mark.parametrize(("name", "last"), [("net1", "0.002244"), ("net8", "–")])
def test_losses_of_nets_of_which_the_tutorial_has_no_table(name, last):
    table = tables.losses(name, falling(400), 1)
    assert column(table, "epoch") == ["1", "100", "200", "300", "400"]
    assert column(table, "train loss: tutorial") == ["–"] * 4 + [last]


def test_the_final_table():
    runs = {
        "net2": Run("net2", falling(1000)),
        "net4": Run("net4", falling(3000)),
        "net6": Run("net6", None, problem="it failed"),
        "net12": Run("net12", falling(10000)),
    }
    table = tables.final(runs, 1)
    assert column(table, "net") == list(runs)
    assert column(table, "epochs") == ["1,000", "1,000", "3,000", "10,000"]
    here = ["0.001000", "0.001000", "–", "0.000100"]
    assert column(table, "train loss: here") == here
    theirs = ["0.001079", "0.000496", "0.001306", "0.000760"]
    assert column(table, "train loss: tutorial") == theirs


def test_times_then_and_now():
    runs = {
        "net1": Run("net1", history([0.1] * 4, [0.1] * 4, dur=2.0)),
        "net2": Run("net2", history([0.1] * 10, [0.1] * 10, dur=0.1)),
    }
    table = tables.times(runs, 0.01)
    assert column(table, "here: time") == ["8.00 s", "1.00 s"]
    assert column(table, "tutorial, on a GPU of 2014: an epoch") == ["–", "1.20 s"]
    assert column(table, "times faster") == ["–", "12"]  # 20 minutes, 1000 epochs
    slow = {"net2": Run("net2", history([0.1] * 10, [0.1] * 10, dur=27.0))}
    assert column(tables.times(slow, 0.01), "times faster") == ["0.044"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00123, "1.2 ms"),
        (0.5, "0.50 s"),
        (59, "59 s"),
        (59.9, "1 min 00 s"),
        (3599.7, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations(seconds, text):
    assert tables.duration(seconds) == text


def test_specialists_and_their_weighted_mean():
    nets = {
        ("a_x", "a_y"): history([1e-4] * 3, [4e-4, 1e-4, 9e-4]),
        ("b_x", "b_y", "c_x", "c_y"): history([1e-4] * 2, [9e-4, 4e-4]),
    }
    table = tables.specialists(nets, lambda columns: 1000 * len(columns))
    assert column(table, "faces") == ["2,000", "4,000", ""]
    assert column(table, "best validation: at epoch") == ["2", "2", ""]
    # 48 * 0.01 and 48 * 0.02
    mean = (2 * 0.48 + 4 * 0.96) / 6
    assert column(table, "best validation: RMSE, pixels") == [
        "0.48",
        "0.96",
        f"{mean:.2f}",
    ]
    assert weighted_mean(nets) == pytest.approx(mean)


def with_weights(net, *sizes):
    net.get_all_params_values = lambda: {"layer": [np.zeros(size) for size in sizes]}
    return net


def test_the_steps_to_a_net_of_today():
    runs = {
        "net2": Run("net2", with_weights(history([0.1], [4e-4], dur=60), 700, 38)),
        "modern_rows": Run("modern_rows", with_weights(falling(20), 1000)),
    }
    table = tables.steps(runs, {"net2": 2.345, "modern_rows": 1.5, "net1": 9})
    assert column(table, "net") == ["net2", "modern_rows"]
    assert column(table, "weights") == ["738", "1,000"]
    assert column(table, "epochs") == ["1", "20"]
    assert column(table, "time") == ["1 min 00 s", "10 s"]
    assert column(table, "validation RMSE, pixels")[0] == "0.96"
    assert column(table, "score on the test set, pixels") == ["2.35", "1.50"]
    added = column(table, "adds to the step before")
    assert added[0] == "–"
    assert "missing labels" in added[1]
    assert len(tables.steps(runs, {}).rows[0]) == 6
    assert tables.label("modern_rows") == "modern_rows (not the tutorial's)"
    assert tables.label("net12") == "net12"


def test_losses_without_dropout_leave_missing_labels_out():
    y = np.arange(12, dtype="float32").reshape(4, 3) / 10
    y[0, 1] = y[3, 2] = np.nan
    net = types.SimpleNamespace(
        predict=lambda X: np.zeros((4, 3), "float32"),
        reshape_input=lambda X: X,
        train_split=lambda X, y, net: (X[:2], X[2:], y[:2], y[2:]),
    )
    train, both = results.plain_losses(net, np.zeros((4, 5)), y)
    squares = [0, 0.04, 0.09, 0.16, 0.25, 0.36, 0.49, 0.64, 0.81, 1]
    assert train == pytest.approx(np.mean(squares[:5]), rel=1e-5)
    assert both == pytest.approx(np.mean(squares), rel=1e-5)


class Reader(html.parser.HTMLParser):
    """Collects what a browser would fetch, and checks that elements are closed."""

    VOID = ("meta", "img")

    def __init__(self, text):
        super().__init__()
        self.open, self.fetched, self.images, self.text = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        assert not [name for name in attrs if name.startswith("on")]
        if tag == "img":
            assert attrs["alt"]
            self.images.append(attrs["src"])
        else:
            self.fetched += [attrs[n] for n in ("src", "srcset") if n in attrs]
        if tag in ("link", "script", "iframe", "object"):
            self.fetched.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def sample():
    picture = io.BytesIO()
    Image.new("L", (4, 4)).save(picture, "PNG")
    table = document.Table(
        [
            {"name": "x | y <script>", "both & more: a": "1", "both & more: b": "0.10"},
            {"name": "z", "both & more: a": "2", "both & more: b": "–"},
        ]
    )
    blocks = [
        document.Text("less < more"),
        table,
        document.Figure(picture.getvalue(), "A caption", "An alternative"),
        document.Text("python x.py", code=True),
    ]
    return document.Page(
        title="A <title>",
        subtitle="subtitle",
        facts=[("1 px", "error")],
        notes=[document.Note("Careful", "1 < 2", bad=True)],
        sections=[document.Section("First", blocks, "first")],
    )


def test_html_stands_alone(sample, tmp_path):
    page.write(sample, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    reader = Reader(text)
    assert reader.fetched == []
    assert "url(" not in text
    assert "@import" not in text
    (image,) = reader.images
    head, _, content = image.partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(content) == sample.sections[0].blocks[2].picture
    shown = "".join(reader.text)
    for part in ("A <title>", "subtitle", "Careful", "1 < 2", "A caption", "0.10"):
        assert part in shown
    for part in ("x | y <script>", "both & more", "less < more", "python x.py"):
        assert part in shown
    assert 'alt="An alternative"' in text
    assert 'name="viewport"' in text
    assert "prefers-color-scheme: dark" in text


def test_lines_stand_where_groups_begin_and_end():
    def starts(*keys):
        table = document.Table([dict.fromkeys(keys, "")])
        return ["start" in column.classes for column in page.columns(table)]

    assert starts("a", "b", "g: c", "g: d", "e") == [False, False, True, False, True]
    assert starts("a", "b") == [False, False]
    assert starts("g: a", "g: b", "h: c") == [False, False, True]


def test_columns_stand_below_their_groups(sample):
    assert page.columns(sample.sections[0].blocks[1]) == [
        ("", "name", "name"),
        ("both & more", "a", "start"),
        ("both & more", "b", ""),
    ]
