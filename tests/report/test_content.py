"""kfkd.report.content: every number and note of a page, of results made by hand."""

import types

import numpy as np
import pytest

from kfkd.report import content, document
from kfkd.report.study import Study
from kfkd.reproduction import Run, Settings

EYES = ("left_eye_center_x", "left_eye_center_y")
MOUTH = ("mouth_left_corner_x", "mouth_left_corner_y", "mouth_right_corner_x")
y = np.array([[0.0, 0.2], [0.4, 0.2], [-0.3, 0.1], [0.5, np.nan]])


def trained(train, valid, dur, guess=0.0, sizes=(10,)):
    """A net that predicts the same for all faces, and was trained on half of them."""
    rows = zip(train, valid, dur, strict=True)
    history = [
        dict(epoch=i, train_loss=t, valid_loss=v, dur=d)
        for i, (t, v, d) in enumerate(rows, start=1)
    ]
    return types.SimpleNamespace(
        train_history_=history,
        max_epochs=4,
        reshape_input=lambda X: X,
        predict=lambda X: np.full((len(X), 2), guess),
        train_split=lambda X, y, net: (X[:2], X[2:], y[:2], y[2:]),
        get_all_params_values=lambda: {"layer": [np.zeros(size) for size in sizes]},
    )


class HandMade(Study):
    """A study of faces that are nowhere."""

    origin = types.SimpleNamespace(
        kind="drawn", title="200 drawn faces", name="training.csv", fingerprint="abc"
    )
    data_size = "200 faces; 20 test faces"
    arrays = np.zeros((4, 5)), np.nan_to_num(y)
    unseen = np.zeros((3, 5))

    def arrays_of(self, name):
        return np.zeros((4, 5)), y

    def count_rows(self, columns):
        return 1000 * len(columns)


@pytest.fixture
def page(monkeypatch):
    names = "curves comparisons comparison specialists predictions weights flip"
    for name in names.split():

        def draw(*arguments, name=name):
            given = [[*a] if isinstance(a, dict) else a for a in arguments]
            given = [a for a in given if isinstance(a, str | list)]
            figure = document.Figure(b"", f"{name} {given}", "")
            return [figure] if name == "comparisons" else figure

        monkeypatch.setattr(content.figures, name, draw)
    cpu, gpu = dict(device="a CPU"), dict(device="a GPU")
    runs = {
        "net1": Run(
            "net1",
            trained([0.5, 0.3, 0.2], [0.04, 0.01, 0.0225], [9, 1, 3], 0.1),
            cpu | dict(versions={"jax": "0.10"}),
        ),
        "net2": Run("net2", trained([0.6], [np.nan], [1]), {}, "it diverged"),
        "net6": Run(
            "net6",
            trained([0.5, 0.3, 0.1, 0.1], [0.04, 0.03, 0.02, 0.0036], [2] * 4),
            gpu | dict(versions={"jax": "0.11"}),
        ),
        "modern_rows": Run(
            "modern_rows",
            trained([0.4], [0.0025], [5], 0.2, sizes=(10, (3, 4))),
            gpu | dict(versions={"jax": "0.11"}),
        ),
        "specialists-scratch": Run(
            "specialists-scratch",
            {
                EYES: trained([0.1, 0.1], [0.04, 0.01], [20, 30]),
                MOUTH: trained([0.1] * 3, [0.09, 0.16, 0.25], [40, 50, 60]),
            },
            dict(start=None, device="a CPU", versions={"jax": "0.10"}),
        ),
    }
    settings = Settings(
        nets=("net1", "net2", "net3", "net6", "modern_rows"),
        specialists=("scratch",),
        epochs_scale=0.001,
        holdout=0.1,
        seed=7,
        batch_size=32,
    )
    study = HandMade(settings, runs, "kfkd reproduce --seed 7")
    study.test_scores = {"modern_rows": 4, "net6": 2.5, "specialists-scratch": 3.25}
    study.held_out_scores = {"net1": 4.5, "net6": 2.75}
    return content.compose(study)


def section(page, name):
    (found,) = [section for section in page.sections if section.id == name]
    return found


def table(page, name, number=0):
    blocks = section(page, name).blocks
    return [block for block in blocks if block.kind == "table"][number]


def pictures(page, name):
    return [b.caption for b in section(page, name).blocks if b.kind == "figure"]


def text_of(page, name):
    return " ".join(b.text for b in section(page, name).blocks if b.kind == "text")


def test_results_at_a_glance(page):
    # 48 * 0.05; of specialists (2 * 48 * 0.1 + 3 * 48 * 0.3) / 5
    assert page.facts == [
        ("2.40 px", "validation error of the best net, modern_rows"),
        ("10.56 px", "validation error of specialists, scratch"),
        ("2.50 px", "Kaggle's score on the test set, net6"),
        ("3 min 47 s", "of training on a CPU, a GPU"),
    ]


def test_notes(page):
    failed, missing, drawn, fewer = page.notes
    assert (failed.title, failed.text) == ("net2 can't be used", "It diverged.")
    assert [note.bad for note in page.notes] == [True, False, False, False]
    assert missing.text == "Still to come: net3."
    assert drawn.title == "Drawn faces, not Kaggle's photographs"
    assert "trained on 200 drawn faces: 200 faces; 20 test faces." in drawn.text
    assert fewer.title == "Fewer epochs than in the tutorial"
    assert "times 0.001: its epoch 1000 is compared with epoch 1 here" in fewer.text


def test_sections(page):
    assert [section.id for section in page.sections] == [
        *("all", "net1", "net2", "net6", "modern_rows"),
        *("specialists-scratch", "steps", "time", "score", "pictures", "made"),
    ]
    titles = {section.id: section.title for section in page.sections}
    assert titles["net1"] == "net1: single hidden"
    assert titles["modern_rows"] == "modern_rows"
    assert "not the tutorial's" in text_of(page, "modern_rows")
    assert "not the tutorial's" not in text_of(page, "net1")
    assert titles["specialists-scratch"] == "Specialists, from random weights"
    assert "from random weights reached 2.17 pixels" in text_of(
        page, "specialists-scratch"
    )


def test_the_overview(page):
    final, outcomes = table(page, "all"), table(page, "all", 1)
    assert [row["net"] for row in final.rows] == ["net1", "net2", "net6"]
    assert [row["epochs: here (× 0.001)"] for row in final.rows] == ["1", "1", "3"]
    assert final.rows[2]["validation loss: here"] == "0.020000"
    assert outcomes.rows[0] == {
        "net": "net1",
        "epochs": "3",
        "train loss: with dropout": "0.200000",
        # The prediction is 0.1: (0.1² + 0.1² + 0.3² + 0.1²) / 4
        "train loss: without": "0.030000",
        "all faces, no dropout: tutorial": "–",
        # ... and 0.4², 0, 0.4² besides, without the label that is missing
        "all faces, no dropout: here": f"{(0.12 + 0.32) / 7:.6f}",
        "validation loss: last": "0.022500",
        "validation loss: best": "0.010000",
        "validation loss: at epoch": "2",
        "validation loss: RMSE, pixels": "4.80",
    }
    assert [row["net"] for row in outcomes.rows] == [
        *("net1", "net6", "modern_rows (not the tutorial's)")
    ]
    assert outcomes.rows[1]["all faces, no dropout: tutorial"] == "0.001007"
    # The mean of the first two rows is (0.2, 0.2).
    squares = [0.5**2, 0.1**2, 0.3**2, 0.2**2]
    assert f"error of {48 * np.mean(squares) ** 0.5:.2f} pixels" in text_of(page, "all")
    assert pictures(page, "all") == ["comparisons [['net1', 'net6', 'modern_rows']]"]


def test_learning_curves_of_nets_whose_losses_are_numbers(page):
    assert pictures(page, "net1") == ["curves ['net1']"]
    assert pictures(page, "net2") == []
    assert table(page, "net2").rows


def test_specialists(page):
    eyes, mouth, mean = table(page, "specialists-scratch").rows
    assert [*mouth.values()][1:] == [
        *("3", "3,000", "4", "3", "0.090000", "1", "14.40", "2 min 30 s")
    ]
    assert [*eyes.values()][1:] == [
        *("2", "2,000", "4", "2", "0.010000", "2", "4.80", "50 s")
    ]
    assert [*mean.values()] == [
        *("mean, weighted", "5", "", "", "", "", "", "10.56", "3 min 20 s")
    ]


def test_steps(page):
    (row,) = table(page, "steps").rows  # net2 has diverged
    row.pop("adds to the step before")
    assert [*row.values()] == ["modern_rows", "22", "1", "5.00 s", "2.40", "4.00"]


def test_times(page):
    rows = {row["net"]: [*row.values()][1:] for row in table(page, "time").rows}
    none = ["–"] * 3
    assert rows == {
        "net1": [*none, "3", "13 s", "2.00 s", "–"],
        # 20 minutes for 1,000 epochs, against a second for one
        "net2": [
            "1,000",
            "more than 20 minutes",
            "1.20 s",
            "1",
            "1.00 s",
            "1.00 s",
            "1.2",
        ],
        "net6": [*none, "4", "8.00 s", "2.00 s", "–"],
        "modern_rows (not the tutorial's)": [*none, "1", "5.00 s", "5.00 s", "–"],
        # As many epochs as the tutorial's were not run: no factor.
        "specialists, scratch": [
            "–",
            "half a day",
            "–",
            "5",
            "3 min 20 s",
            "40 s",
            "–",
        ],
    }
    assert "a CPU: net1, specialists-scratch; a GPU: net6, modern_rows." in text_of(
        page, "time"
    )


def test_scores(page):
    assert table(page, "score").rows == [
        {
            "net": "modern_rows (not the tutorial's)",
            "tutorial": "–",
            "here, test set": "4.00",
            "here, rows held out": "–",
        },
        {
            "net": "net6",
            "tutorial": "–",
            "here, test set": "2.50",
            "here, rows held out": "2.75",
        },
        {
            "net": "specialists, scratch",
            "tutorial": "2.17",
            "here, test set": "3.25",
            "here, rows held out": "–",
        },
        {
            "net": "net1",
            "tutorial": "–",
            "here, test set": "–",
            "here, rows held out": "4.50",
        },
    ]


def test_pictures(page):
    assert pictures(page, "pictures") == [
        "predictions ['net1']",
        "predictions ['modern_rows']",
        "predictions ['specialists-scratch', [" + f"{EYES}, {MOUTH}]]",
        "comparison [['net1', 'modern_rows']]",
        "weights ['net1']",
        "weights ['modern_rows']",
        "flip []",
    ]


def test_how_it_was_made(page):
    made = {row["what"]: row["value"] for row in table(page, "made").rows}
    made.pop("page written")
    assert made == {
        "data": "200 drawn faces: 200 faces; 20 test faces",
        "file": "training.csv, BLAKE2b abc",
        "held out": "0.1 of the rows",
        "seed": "7",
        "images a step": "32 of the tutorial's nets",
        "epochs": "the tutorial's × 0.001",
        "device": "a CPU (net1, specialists-scratch); a GPU (net6, modern_rows)",
        "jax": "0.10 (net1, specialists-scratch); 0.11 (net6, modern_rows)",
    }
    assert section(page, "made").blocks[-1].text == "kfkd reproduce --seed 7"
