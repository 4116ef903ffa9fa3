"""scripts/submit.py, in this process, as a user runs it."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import root_mean_squared_error

from kfkd import faces, nets, storage
from kfkd.data import COLUMNS, load
from tests.helpers import stubs
from tests.helpers.fake_workers import COLUMNS as COLUMNS_OF
from tests.helpers.fake_workers import NAMES

SCRIPT = str(Path(__file__).resolve().parents[2] / "scripts" / "submit.py")

pytestmark = pytest.mark.usefixtures("work")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return faces.make(tmp_path_factory.mktemp("faces"), n_train=40, n_test=8)


def test_a_net_trained_on_drawn_faces_answers_for_drawn_faces(drawn, run):
    X, y = load(folder=drawn)
    net = nets.make("net1", hidden_num_units=3, max_epochs=2, verbose=0).seed(0)
    storage.save(net.fit(X, y), "net.pickle")
    X_test, _ = load(test=True, folder=drawn)

    status, printed = run("net.pickle", "--data", drawn)
    assert status == 0
    (path,) = Path().glob("submission-*.csv")
    made = pd.read_csv(path).merge(pd.read_csv(drawn / "IdLookupTable.csv"), on="RowId")
    assert len(made) == len(pd.read_csv(drawn / "IdLookupTable.csv"))
    outputs = pd.DataFrame(net.predict(X_test) * 48 + 48, columns=COLUMNS)
    truth = pd.read_csv(drawn / "test_labels.csv").set_index("ImageId")
    for row in made.itertuples():
        own = outputs.loc[row.ImageId - 1, row.FeatureName]
        assert row.Location_x == pytest.approx(np.clip(own, 0, 96), rel=1e-5)
    wanted = [truth.loc[row.ImageId, row.FeatureName] for row in made.itertuples()]
    rmse = root_mean_squared_error(wanted, made["Location_x"])
    assert f"Data: drawn faces, {drawn / 'test.csv'}\n" in printed
    assert (
        f"{len(made)} locations written to {path}\n"
        "They are of drawn faces, which Kaggle does not know.\n"
    ) in printed
    assert f"Against {drawn / 'test_labels.csv'}:\n" in printed
    count, shown = re.search(r"^all +(\d+) +([\d.]+)$", printed, re.M).groups()
    assert int(count) == len(made)
    assert float(shown) == pytest.approx(rmse, abs=1e-3)


def test_specialists_and_a_file_of_ones_own(drawn, run, tmp_path):
    storage.save(stubs.specialists(), "crew.pickle")
    out = tmp_path / "mine.csv"
    out.write_text("RowId,Location\n1,2\n")
    status, printed = run("crew.pickle", "--data", drawn, "--out", out)
    assert status == 0
    assert str(out) in printed
    assert len(pd.read_csv(out)) == len(pd.read_csv(drawn / "IdLookupTable.csv"))
    assert os.listdir() == ["crew.pickle"]


def test_labels_of_ones_own(drawn, run, tmp_path):
    storage.save(stubs.Linear(spread=0.1), "net.pickle")
    text = "ImageId;nose_tip_x;nose_tip_y\n2;40,5;50\n"
    (tmp_path / "labels.csv").write_text(text)
    labels = tmp_path / "labels.csv"
    status, printed = run("net.pickle", "--data", drawn, "--labels", labels)
    assert status == 0
    lookup = pd.read_csv(drawn / "IdLookupTable.csv")
    asked = lookup[lookup["ImageId"] == 2].set_index("FeatureName")["RowId"]
    (path,) = Path().glob("submission-*.csv")
    made = pd.read_csv(path).set_index("RowId")["Location"]
    ours = [made[asked["nose_tip_x"]], made[asked["nose_tip_y"]]]
    rmse = root_mean_squared_error([40.5, 50], ours)
    (line,) = re.findall(r"^nose_tip +2 +([\d.]+)$", printed, re.M)
    assert float(line) == pytest.approx(rmse, abs=1e-3)


@pytest.mark.parametrize("arguments", [["--synthetic"], []])
def test_drawn_faces(drawn, run, monkeypatch, arguments):
    monkeypatch.setattr(faces, "make", lambda: drawn)
    storage.save(stubs.Linear(), "net.pickle")
    status, printed = run("net.pickle", *arguments)
    assert status == 0
    assert "Data: drawn faces" in printed
    assert ("Kaggle's files are not here" in printed) == (not arguments)
    assert len(list(Path().glob("submission-*.csv"))) == 1


def without_noses():
    crew = stubs.specialists()
    del crew["nose_tip_x", "nose_tip_y"]
    return crew


@pytest.mark.parametrize(
    ("net", "arguments", "message"),
    [
        (None, [], "net.pickle cannot be read: No such file or directory"),
        ({"a": 1}, [], "net.pickle holds 1 under 'a' (dict of int), not a net or"),
        (without_noses(), [], "the 5 specialists predict 14 of the 15 key points that"),
        (stubs.Linear(4), [], "the net predicts 4 columns, where 30 are wanted"),
        (stubs.Linear(), ["--labels", "no.csv"], "no.csv cannot be read: No such"),
        (stubs.Linear(), ["--out", "no/s.csv"], "there is no folder no"),
        (stubs.Linear(), ["--device", "abacus"], "--device: 'abacus' is not a dev"),
        (None, ["--data", "no"], "net.pickle cannot be read: No such file"),
        (stubs.Linear(), ["--data", "no"], "--data: there is no folder no"),
    ],
)
def test_errors_are_one_message_and_nothing_is_written(
    drawn, run, net, arguments, message
):
    if net is not None:
        storage.save(net, "net.pickle")
    before = os.listdir()
    if "--data" not in arguments:
        arguments = ["--data", drawn, *arguments]
    status, _ = run("net.pickle", *arguments)
    assert status.startswith("submit.py: ")
    assert message in status
    assert os.listdir() == before


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("net-specialists.pickle", "kfkd fit-specialists"),
        ("crew.pickle", "kfkd fit-specialists --out crew.pickle"),
    ],
)
def test_specialists_that_are_still_to_be_trained(run, monkeypatch, name, command):
    monkeypatch.setattr(faces, "make", lambda: pytest.fail("faces are drawn"))
    crew = {COLUMNS_OF[point]: stubs.Linear() for point in NAMES[2:4]}
    storage.save(crew, name)
    status, printed = run(name)
    assert status == (
        f"submit.py: {name} holds 2 of 6 specialists. To train the others "
        f"({', '.join(NAMES[:2] + NAMES[4:])}), do `{command}` with the net and "
        "options that it was made with, but without --only"
    )
    assert printed == ""


def test_labels_of_other_images(drawn, run):
    Path("labels.csv").write_text("ImageId,nose_tip_x\n99,40\n", encoding="utf-8")
    storage.save(stubs.Linear(), "net.pickle")
    status, _ = run("net.pickle", "--data", drawn, "--labels", "labels.csv")
    assert status.endswith("the labels have none of the locations to be submitted")
    assert not list(Path().glob("submission-*"))


def test_two_sources_of_data(run):
    status, _ = run("net.pickle", "--data", "x", "--synthetic")
    assert status == 2
