import pickle
import re
import types
from pathlib import Path

import numpy as np
import pytest
from lasagne import layers
from PIL import Image

from kfkd import data, faces, nets, storage, xla
from kfkd.cli import train
from kfkd.cli._options import choose_folder
from kfkd.prediction import scoring
from tests.helpers import small_faces
from tests.helpers.train_runs import SCRIPT, check_same, epochs, files, rows  # noqa: F401

pytestmark = pytest.mark.usefixtures("work")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with Kaggle's files, of 60 complete rows."""
    return faces.make(tmp_path_factory.mktemp("data"), n_train=200, n_test=17)


def test_a_net_is_trained_reported_saved_and_drawn(folder, work, capsys):
    assert train.main(["net1", "--data", str(folder), "--epochs", "3"]) == 0
    out = capsys.readouterr().out
    assert files(work) == ["net1.pickle", "net1.png"]
    assert f"Data: drawn faces, {folder / 'training.csv'}\n" in out
    assert "left_eye_center_x            200" in out
    assert "X.shape == (60, 9216); X.min == 0.000; X.max == 1.000" in out
    assert epochs(out) == ["1", "2", "3"]

    with open("net1.pickle", "rb") as file:
        net = pickle.load(file)
    history = net.train_history_
    assert net.max_epochs == len(history) == 3
    best = min(history, key=lambda row: row["valid_loss"])
    X, y = data.load(folder=folder)
    loss = ((net.predict(X[12:]) - y[12:]) ** 2).mean()  # after the first fifth
    rmse = np.sqrt(best["valid_loss"]) * 48
    assert (
        f"Best validation loss {best['valid_loss']:.6f} at epoch {best['epoch']}: "
        f"RMSE {rmse:.3f} pixels\nTrain loss at the end {loss:.6f} (the table's is "
        "an average over the epoch)\n3 epochs in "
    ) in out
    assert f", on {xla.describe_device()}\n" in out
    assert out.count(f"Training on {xla.describe_device()}\n") == 1
    assert "The net is saved in net1.pickle\n" in out
    assert "predictions for 16 test faces are drawn in net1.png\n" in out
    with Image.open("net1.png") as picture:
        assert len(picture.convert("L").getcolors()) > 100


def test_options(folder, work, capsys):
    arguments = ["--data", str(folder), "--out", "a.pickle", "--batch-size", "16"]
    arguments += ["--log-every", "2", "--epochs", "3", "--device", "cpu", "--seed", "7"]
    results = []
    for out in ("a.pickle", "b.pickle"):
        arguments[3] = out
        assert train.main(["net1", *arguments]) == 0
        results.append(rows(capsys.readouterr().out))
    assert files(work) == ["a.pickle", "a.png", "b.pickle", "b.png"]
    assert results[0] == results[1]
    assert [row.split()[0] for row in results[0]] == ["2", "3"]
    a, b = (storage.load(path) for path in ("a.pickle", "b.pickle"))
    assert a.batch_iterator_train.batch_size == a.batch_iterator_test.batch_size == 16
    for p, q in zip(a.get_all_params(), b.get_all_params(), strict=True):
        assert np.array_equal(p.get_value(), q.get_value())
    # Other nets are as they were.
    assert nets.net1.batch_iterator_train.batch_size == 128
    arguments[-1] = "8"
    assert train.main(["net1", *arguments]) == 0
    assert rows(capsys.readouterr().out) != results[0]


def test_rows_held_out_are_scored(folder, capsys):
    arguments = ["net1", "--data", str(folder), "--epochs", "2", "--holdout", "0.2"]
    assert train.main(arguments) == 0
    out = capsys.readouterr().out
    X, _ = data.load(folder=folder, holdout=0.2)
    assert f"X.shape == ({len(X)}, 9216)" in out
    held = data.load_held_out(0.2, folder=folder)
    report = scoring.report(*scoring.evaluate(storage.load("net1.pickle"), *held))
    assert f"On the 40 rows held out:\n{report}\n" in out


def test_a_file_that_runs_no_code(folder, work):
    arguments = ["net1", "--data", str(folder), "--epochs", "2"]
    assert train.main([*arguments, "--format", "arrays"]) == 0
    assert train.main([*arguments, "--out", "other.npz"]) == 0
    assert files(work) == ["net1.npz", "net1.png", "other.npz", "other.png"]
    for name in ("net1.npz", "other.npz"):
        assert np.load(name)["net0.weights.hidden.0"].shape == (9216, 100)
    check_same("net1.npz", "other.npz")


def test_schedules_are_stretched_to_the_epochs(folder, monkeypatch):
    made = []

    def make(name, **changes):
        small = dict.fromkeys(["conv1", "conv2", "conv3"], 2)
        changes |= {f"{layer}_num_filters": n for layer, n in small.items()}
        made.append(
            nets_make(name, hidden4_num_units=4, hidden5_num_units=4, **changes)
        )
        return made[0]

    nets_make = nets.make
    monkeypatch.setattr(nets, "make", make)
    assert train.main(["net8", "--data", str(folder), "--epochs", "2"]) == 0
    assert made[0].update_learning_rate.get_value() == np.float32(0.0001)
    assert made[0].update_momentum.get_value() == np.float32(0.999)
    assert files(Path.cwd()) == ["net8.pickle", "net8.png"]


def test_a_dry_run_writes_no_file(folder, work, capsys):
    assert train.main(["net1", "--data", str(folder), "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert epochs(out) == ["1"]
    assert "Dry run: no files are written." in out
    assert "saved" not in out
    assert files(work) == []


@pytest.fixture
def few_faces(monkeypatch):
    """Let the script draw few faces instead of thousands; say how many it wanted."""
    asked = []

    def make(**sizes):
        asked.append(sizes)
        return faces_make(n_train=150, n_test=3)

    faces_make = faces.make
    monkeypatch.setattr(faces, "make", make)
    return asked


def test_without_kaggles_files_faces_are_drawn(few_faces, tmp_path, capsys):
    assert train.main(["net1", "--epochs", "1"]) == 0
    out = capsys.readouterr().out
    assert "Kaggle's files are not here (data/README.md says how to get them)" in out
    assert "Data: drawn faces" in out
    assert "predictions for 3 test faces" in out
    assert few_faces == [{}]
    assert (tmp_path / "cache" / "kfkd").is_dir()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (layers.FlattenLayer, "Train loss at the end"),
        (layers.DropoutLayer, "Train loss without dropout"),
    ],
)
def test_the_train_loss_is_called_what_it_is(kind, text, capsys):
    chain = [layers.InputLayer, kind, layers.DenseLayer, layers.DenseLayer]
    names = ["input", "second", "hidden", "output"]
    net = small_faces.small(layers=[*zip(names, chain, strict=True)], max_epochs=1)
    X, y = small_faces.rows()
    train.report(net.fit(X, y), X, y)
    out = capsys.readouterr().out
    assert f"\n{text} 0." in out
    assert ("is with it" in out) == (kind is layers.DropoutLayer)
    assert "\n1 epoch in " in out


def test_how_long_faces_take_is_said_if_they_are_to_be_drawn(
    few_faces, monkeypatch, capsys
):
    options = types.SimpleNamespace(synthetic=True)
    choose_folder(options)
    assert capsys.readouterr().out == (
        "Data: drawn faces; to draw them takes up to a minute, this once\n"
    )
    monkeypatch.setattr(faces, "find", lambda: "a folder")
    choose_folder(options)
    assert capsys.readouterr().out == "Data: drawn faces\n"


def test_drawn_faces_in_the_place_of_kaggles_are_called_that(monkeypatch, capsys):
    place = Path.home() / "data" / "kaggle-facial-keypoint-detection"
    faces.make(place, n_train=4, n_test=2)
    args = types.SimpleNamespace(synthetic=False, data=None)
    assert choose_folder(args) is None
    assert capsys.readouterr().out == f"Data: drawn faces, {place / 'training.csv'}\n"
    with open(place / "training.csv", "a") as file:
        file.write("\n")
    choose_folder(args)
    assert capsys.readouterr().out == f"Data: {place / 'training.csv'}\n"


def test_drawn_faces_can_be_asked_for(folder, few_faces, monkeypatch, capsys):
    monkeypatch.setenv("KFKD_DATA", str(folder))
    assert train.main(["net1", "--synthetic", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "Kaggle's files are not here" not in out
    assert str(folder) not in out
    assert few_faces == [{"n_train": 800, "n_test": 16}]


def test_a_folder_without_a_test_set(folder, tmp_path, capsys):
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "training.csv").symlink_to(folder / "training.csv")
    assert train.main(["net1", "--data", str(tmp_path / "only"), "--epochs", "1"]) == 0
    assert "No picture of predictions, as there is no test" in capsys.readouterr().out
    assert files(Path.cwd()) == ["net1.pickle"]


def no_training(*args, **kwargs):
    raise AssertionError("this should have been found before training")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--out", "no/net.pickle"], storage.StorageError, "there is no folder no"),
        (["--out", "."], storage.StorageError, "it is a folder"),
        (["--data", "nowhere"], data.DataError, "^--data: there is no folder nowhere$"),
        (
            ["--device", "cuda:99"],
            xla.DeviceError,
            "^--device: 'cuda:99' is asked f",
        ),
        (
            ["--device", "gpu"],
            xla.DeviceError,
            "^--device: 'gpu' is not a device; the",
        ),
    ],
)
def test_what_cannot_be_is_found_before_training(
    arguments, error, message, folder, monkeypatch
):
    monkeypatch.setattr(nets.NeuralNet, "fit", no_training)
    defaults = ["--data", str(folder)] if "--data" not in arguments else []
    with pytest.raises(error, match=message):
        train.main(["net1", *defaults, *arguments])
    assert files(Path.cwd()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["net9"], "argument NET: 'net9' is not one of net1, net2,"),
        (["net1", "--epochs", "0"], "--epochs: 0 is not at least 1"),
        (
            ["net1", "--batch-size", "many"],
            "--batch-size: 'many' is not a whole",
        ),
        (["net1", "--seed", "-1"], "--seed: -1 is not at least 0, at most 4294967295"),
        (["net1", "--log-every", "0"], "--log-every: 0 is not at least 1"),
        (["net1", "--data", "x", "--synthetic"], "--data and --synthetic exclude"),
        (["net1", "--out", "net1.png"], "--out names the file of the net"),
        (["net1", "--out", "a.pickle", "--format", "arrays"], "name that ends in .npz"),
        (["net1", "--out", "a.npz", "--format", "pickle"], "name that ends in .pickle"),
        (["net1", "--time-limit", "30"], "--time-limit: '30' is not a time such as"),
        (["net1", "--time-limit", "0m"], "--time-limit: 0m is not greater than 0"),
        (["net1", "--time-limit", "1e308h"], "1e308h is longer than 100 years"),
        (["net1", "--time-limit", "m"], "--time-limit: 'm' is not a time such as 90s"),
        (["net1", "--checkpoint-every", "x"], "-every: 'x' is not a number of epochs"),
        (
            ["net1", "--checkpoint-every", "1d"],
            "-every: '1d' is not a number of",
        ),
        (["net1", "--checkpoint-every", "0"], "-every: 0 is not at least 1"),
    ],
)
def test_usage_errors(arguments, message, usage_error):
    assert message in usage_error(train.main, arguments)


def test_the_originals_net_is_the_default():
    assert train.parse_args([]).net == "net8"


@pytest.mark.parametrize(
    ("name", "value", "asked"),
    [
        ("KFKD_DEVICE", "cuda:99", "'cuda:99'"),
        ("KFKD_PRECISION", "half", "the precision 'half'"),
    ],
)
def test_errors_are_one_line_and_status_1(name, value, asked, folder, run, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv(name, value)
        message, out = run("net1", "--data", folder)
    assert out == ""
    assert re.fullmatch(rf"train\.py: {name} asks for {asked}[^\n]+", message)
    assert files(Path.cwd()) == []
