"""scripts/predict.py, in this process, as a user runs it."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kfkd import data, faces, nets, prediction, storage
from kfkd.cli import _standard_streams, predict
from kfkd.data import COLUMNS, load
from kfkd.prediction.photographs import BOX_COLUMNS
from tests.helpers import kaggle_tables, stubs

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / "scripts" / "predict.py")

pytestmark = pytest.mark.usefixtures("work")


@pytest.fixture
def folder(tmp_path):
    kaggle_tables.make(tmp_path / "made")
    return tmp_path / "made"


def expected_for(net, folder):
    X, _ = load(test=True, folder=folder)
    return 48 + 48 * net.predict(X)


def test_the_test_set_on_standard_output(net, folder, run):
    expected = expected_for(net, folder)
    status, printed = run("net.pickle", "--data", folder)
    assert status == 0
    table = pd.read_csv(io.StringIO(printed))
    assert table.columns.tolist() == ["ImageId", *COLUMNS]
    assert table["ImageId"].tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(table[list(COLUMNS)], expected, atol=1e-3)
    assert os.listdir() == ["net.pickle"]


def test_specialists_to_a_file_and_a_picture(folder, run, tmp_path):
    storage.save(stubs.specialists(spread=0.1), "crew.pickle")
    options = ["--data", folder, "--out", "points.csv", "--plot", "faces.PNG"]
    status, printed = run("crew.pickle", *options)
    assert status == 0
    assert printed == ""
    table = pd.read_csv("points.csv").set_index("ImageId")
    X, _ = load(test=True, folder=folder)
    expected = prediction.predict(stubs.specialists(spread=0.1), X)
    pd.testing.assert_frame_equal(table, expected, atol=1e-4)
    with Image.open("faces.PNG") as picture:
        assert picture.width > 500
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}
    assert (255, 176, 0) in colours  # of the points
    assert len(os.listdir()) == 3


def test_image_files_in_their_own_pixels(net, folder, run):
    expected = expected_for(net, folder)[:2]
    images = data.read("test", folder).images[:2].reshape(2, 96, 96)
    Image.fromarray(images[0]).convert("RGBA").save("small.png")
    wide = Image.new("RGB", (120, 96), "red")
    wide.paste(Image.fromarray(images[1]).convert("RGB"), (12, 0))
    wide.save("wide.bmp")
    # Plain, so that it stays the same when it is made smaller.
    Image.new("L", (480, 640), 200).save("large.tif")
    plain = 48 + 48 * net.predict(np.full((1, 9216), 200 / 255, np.float32))

    names = ["small.png", "wide.bmp", "large.tif"]
    status, printed = run("net.pickle", *names, "--no-detect", "--plot", "a.svg")
    assert status == 0
    table = pd.read_csv(io.StringIO(printed))
    assert table.columns.tolist() == ["File", "Face", *BOX_COLUMNS, *COLUMNS]
    assert table["File"].tolist() == names
    assert table["Face"].tolist() == [1, 1, 1]
    boxes = [[0, 0, 96, 96], [12, 0, 96, 96], [0, 80, 480, 480]]
    np.testing.assert_allclose(table[[*BOX_COLUMNS]], boxes)
    points = table[list(COLUMNS)].to_numpy()
    np.testing.assert_allclose(points[0], expected[0], atol=1e-3)
    expected[1, ::2] += 12
    np.testing.assert_allclose(points[1], expected[1], atol=1e-3)
    plain *= 5
    plain[:, 1::2] += 80
    np.testing.assert_allclose(points[2], plain[0], atol=1e-2)
    assert Path("a.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_json(net, folder, run):
    Image.new("L", (96, 96), 200).save("me.png")
    status, _ = run("net.pickle", "me.png", "--no-detect", "--out", "points.json")
    assert status == 0
    content = json.loads(Path("points.json").read_text(encoding="utf-8"))
    (face,) = content["faces"]
    assert (face["file"], face["face"]) == ("me.png", 1)
    assert face["box"] == dict(left=0, top=0, width=96, height=96)
    points = 48 + 48 * net.predict(np.full((1, 9216), 200 / 255, np.float32))[0]
    assert [f"{name}_x" for name in face["points"]] == list(COLUMNS[::2])
    np.testing.assert_allclose(np.ravel([*face["points"].values()]), points, atol=1e-3)

    # It is replaced by its like alone.
    command = ["net.pickle", "--data", folder, "--out", "points.json"]
    assert run(*command)[0] == 0
    content = json.loads(Path("points.json").read_text(encoding="utf-8"))
    assert [face["image_id"] for face in content["faces"]] == [1, 2, 3, 4, 5, 6]
    Path("points.json").write_text('{"made_by": "me", "faces": []}')
    assert run(*command)[0] != 0
    status, printed = run("net.pickle", "--data", folder, "--format", "json")
    assert json.loads(printed) == content


def test_a_terminal_gets_a_table_for_people(net, folder, run, monkeypatch):
    expected = expected_for(net, folder)
    # What `run` replaces standard output with knows no terminal.
    monkeypatch.setattr(
        _standard_streams._TolerantStream, "isatty", lambda self: True, raising=False
    )
    status, printed = run("net.pickle", "--data", folder)
    assert status == 0
    blocks = printed.split("\n\n")
    assert len(blocks) == 4
    for number, block in enumerate(blocks[:3]):
        title, head, *lines = block.splitlines()
        assert title == f"ImageId {number + 1}"
        assert head.split() == ["x", "y"]
        names, *points = zip(*map(str.split, lines), strict=True)
        assert list(names) == [name[:-2] for name in COLUMNS[::2]]
        np.testing.assert_allclose(
            np.array(points, float).T.ravel(), expected[number], atol=0.006
        )
        assert {len(line) for line in lines} == {len(head)}
    assert blocks[3] == (
        "... and 3 more faces: --out FILE, or a pipe, gets all as CSV\n"
    )
    Image.new("L", (96, 96), 200).save("me.png")
    status, printed = run("net.pickle", "me.png", "--no-detect")
    assert printed.startswith("me.png\n")
    assert len(printed.splitlines()) == 17
    status, printed = run("net.pickle", "me.png", "--no-detect", "--format", "csv")
    assert printed.startswith("File,Face,")


def test_it_says_what_the_net_was_trained_on(folder, monkeypatch, capfd, run):
    """And warns where a net of drawn faces is to predict photographs."""
    net = nets.make("net1", hidden_num_units=2, verbose=0)
    net.initialize()
    entry = dict(faces=12, date="2026-01-02", kfkd="0.1.0", after_epoch=0)
    net.trained_on_ = [dict(entry, kind="drawn")]
    storage.save(net, "drawn.npz")
    net.trained_on_ = [dict(entry, kind="kaggle")]
    storage.save(net, "real.npz")
    net.trained_on_ = ()
    storage.save(net, "old.npz")
    Image.new("L", (96, 96)).save("me.png")
    drawn = faces.make("drawn", n_train=30, n_test=3)

    def said(*arguments):
        monkeypatch.setattr(sys, "argv", ["predict.py"])
        assert predict.main([*map(str, arguments), "--out", "a.csv"]) == 0
        return capfd.readouterr().err

    about = "drawn faces (kfkd.faces): 12 faces, 2026-01-02, kfkd 0.1.0\n"
    note = "Note: it has seen drawn faces alone, and errs by more on photographs\n"
    text = said("drawn.npz", "me.png", "--no-detect")
    assert text.startswith(f"Net: drawn.npz, trained on {about}{note}")
    assert note in said("drawn.npz", "--data", folder)
    assert note not in said("drawn.npz", "--data", drawn)
    text = said("real.npz", "me.png", "--no-detect")
    assert text.startswith("Net: real.npz, trained on Kaggle's photographs: 12 faces")
    assert note not in text
    assert said("old.npz", "me.png", "--no-detect") == "Written to a.csv\n"


@pytest.mark.parametrize("arguments", [["--synthetic"], []])
def test_drawn_faces(net, folder, run, monkeypatch, arguments):
    monkeypatch.setattr(faces, "make", lambda: folder)
    status, printed = run("net.pickle", *arguments)
    assert status == 0
    assert len(printed.splitlines()) == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.pickle", "--data", "made"], "no.pickle cannot be read: No such file"),
        (["no.pickle"], "no.pickle cannot be read: No such file"),
        (["net.pickle", "--data", "no"], "--data: there is no folder no"),
        (["net.pickle", "no.jpg"], "no.jpg cannot be read as an image: No such file"),
        (
            ["net.pickle", "--data", "made", "--out", "no/a.csv"],
            "there is no folder no",
        ),
        (["net.pickle", "--data", "made", "--plot", "no/a.png"], "no folder no"),
        (["net.pickle", "--device", "abacus"], "--device: 'abacus' is not a device"),
        (["few.pickle", "--data", "made"], "predicts 4 columns, where 30 are wanted"),
    ],
)
def test_errors_are_one_message_and_nothing_is_written(
    net, folder, run, monkeypatch, arguments, message
):
    storage.save(stubs.Linear(4), "few.pickle")
    before = set(os.listdir())
    arguments = [folder if word == "made" else word for word in arguments]
    status, printed = run(*arguments)
    _, problem = status.split("predict.py: ")  # after where the data are, if found
    assert message in problem
    assert printed == ""
    assert set(os.listdir()) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["me.PNG", "net.pickle"], "comes first: predict.py net.pickle me.PNG\n"),
        (
            ["a b.tif", "c.png", "x.npz", "--plot", "d.png"],
            "comes first: predict.py x.npz 'a b.tif' c.png\n",
        ),
    ],
)
def test_images_where_the_net_belongs(net, monkeypatch, capsys, arguments, words):
    monkeypatch.setattr(sys, "argv", ["scripts/predict.py"])
    with pytest.raises(SystemExit) as end:
        predict.parse_args(arguments)
    assert end.value.code == 2
    assert words in capsys.readouterr().err


def test_an_image_is_known_by_its_content_where_its_name_does_not_tell(run, net):
    Image.new("L", (96, 96), 200).save("me.png")
    os.rename("me.png", "me")
    status, printed = run("me", "--no-detect", "--out", "points.csv")
    assert status == 0, printed
    assert list(pd.read_csv("points.csv")["File"]) == ["me"]
    os.rename("net.pickle", "net")
    status, _ = run("net", "me", "--no-detect", "--out", "others.csv")
    assert status == 0
    assert not pd.read_csv("others.csv").equals(pd.read_csv("points.csv"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--data", "x", "--synthetic"],
        ["--data", "x", "a.png"],
        ["--synthetic", "a.png"],
        ["--plot", "a.xyz"],
        ["--data", "x", "--plot", "a.png", "b.png"],
        ["--out", "net.pickle"],
        ["--out", "./a.png", "a.png"],
        ["--out", "a.txt", "a.png"],
        ["--out", "a.csv", "--format", "json", "a.png"],
        ["--out", "a.json", "--format", "table", "a.png"],
        ["--format", "xml", "a.png"],
        ["--crop", "1,2,3", "a.png"],
        ["--crop", "1,2,3,0", "a.png"],
        ["--crop", "1,2,3,nan", "a.png"],
        ["--crop", "1,2,30,40", "--no-detect", "a.png"],
        ["--crop", "1,2,30,40"],
        ["--no-detect", "--synthetic"],
        ["made/training.csv"],
        [""],
        ["a.png", " "],
    ],
)
def test_wrong_use(run, arguments):
    status, _ = run("net.pickle", *arguments)
    assert status == 2


@pytest.mark.process
@pytest.mark.slow
def test_a_reader_that_stops_reading(net, tmp_path):
    kaggle_tables.make(tmp_path / "many", rows=2)
    kaggle_tables.write(
        tmp_path / "many" / "test.csv",
        kaggle_tables.test_lines(np.zeros((1000, 9216), np.uint8)),
    )
    command = [sys.executable, SCRIPT, "net.pickle", "--data", str(tmp_path / "many")]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout.readline().startswith(b"ImageId,")
    process.stdout.close()
    (said,) = process.stderr.read().splitlines()
    assert said.startswith(b"Data: ")
    process.stderr.close()
    assert process.wait() == 0
