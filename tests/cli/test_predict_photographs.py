"""scripts/predict.py on photographs, in which it finds the faces first."""

import io
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kfkd.data import COLUMNS
from kfkd.prediction.photographs import BOX_COLUMNS
from tests.helpers.portraits import EYES, PATH, portrait

SCRIPT = str(Path(__file__).resolve().parents[2] / "scripts" / "predict.py")

pytestmark = pytest.mark.usefixtures("work")


def family():
    """Two portraits side by side, the second half as large."""
    image = Image.new("RGB", (800, 600), "tan")
    image.paste(portrait().crop((50, 0, 500, 600)), (0, 0))
    image.paste(portrait().resize((256, 300)), (500, 200))
    return image


def test_the_faces_of_photographs(net, run):
    pytest.importorskip("cv2")
    os.mkdir("album")
    family().save("album/family.png")
    shutil.copy(PATH, "album/hopper.jpg")
    Image.new("RGB", (300, 200), "green").save("album/meadow.png")
    Path("album/broken.png").write_bytes(b"no picture")
    said, printed = run("net.pickle", "album", "--plot", "all.png")
    broken, meadow, summary, drawn = said.splitlines()
    assert "album/broken.png is not an image of a known format" in broken
    assert "album/meadow.png: no face was found." in meadow
    assert summary == "Found: 3 faces in 2 images; nothing in 2"
    assert drawn == "Drawn in all.png"
    found = pd.read_csv(io.StringIO(printed))
    assert found["File"].tolist() == ["album/family.png"] * 2 + ["album/hopper.jpg"]
    assert found["Face"].tolist() == [1, 2, 1]
    middles = found["box_left"] + found["box_width"] / 2
    eyes = EYES.mean(axis=0)[0]
    expected = [eyes - 50, eyes / 2 + 500, eyes]
    np.testing.assert_allclose(middles, expected, atol=12)

    # What was drawn into a folder is none of its images.
    shutil.copy("all.png", "album/found.png")
    command = ["net.pickle", "album", "--plot", "album/found.png"]
    _, printed = run(*command)
    files = pd.read_csv(io.StringIO(printed))["File"]
    assert files.tolist() == found["File"].tolist()
    assert "album/found.png is to be read" in run(*command, "album/found.png")[0]

    # The box of a face is its crop.
    box = ",".join(map(str, found.loc[1, [*BOX_COLUMNS]]))
    status, printed = run("net.pickle", "album/family.png", "--crop", box)
    assert status == 0
    again = pd.read_csv(io.StringIO(printed))
    np.testing.assert_allclose(
        again[list(COLUMNS)].loc[0],
        found[list(COLUMNS)].loc[1].astype(float),
        atol=0.01,
    )


def test_what_is_said_of_images_without_a_face(net, run):
    pytest.importorskip("cv2")
    Image.new("RGB", (300, 200), "green").save("meadow.png")
    words = "meadow.png: no face was found. If there is one, --crop X,Y,W,H"
    said, printed = run("net.pickle", "meadow.png", "--plot", "found.png")
    assert words in said
    assert printed.startswith("File,Face,box_left")
    assert printed.count("\n") == 1
    # What an earlier call has left does not pass for the result.
    Path("points.csv").write_text("")
    said, _ = run("net.pickle", "meadow.png", "--out", "points.csv")
    assert words in said
    assert pd.read_csv("points.csv").shape == (0, 36)
    said, printed = run("net.pickle", "meadow.png", "--format", "json")
    assert json.loads(printed)["faces"] == []
    said, printed = run("net.pickle", "meadow.png", "--format", "table")
    assert printed == ""
    assert not os.path.exists("found.png")


def test_names_that_stand_for_images_or_for_none(net, run):
    for folder in ("album", "empty", "odd.pickle"):
        os.mkdir(folder)
    for name in ("album/1.png", "album/2.png", "odd.pickle/3.png"):
        Image.new("L", (96, 96), 51).save(name)
    os.mkdir("album/more")
    end = ["--no-detect", "--mirror"]
    said, printed = run("net.pickle", "album", "empty", "no*.png", "odd.pickle", *end)
    assert "empty has no images" in said
    assert "no file is called no*.png" in said
    files = pd.read_csv(io.StringIO(printed))["File"]
    assert files.tolist() == ["album/1.png", "album/2.png", "odd.pickle/3.png"]
    said, printed = run("net.pickle", "empty", "no*.png", *end)
    assert "empty has no images" in said
    assert printed.startswith("File,Face,")
    assert printed.count("\n") == 1
    # Without a net, the first is one of them.
    for names in (["album/*"], ["odd.pickle", "album"]):
        status, printed = run(*names, *end)
        assert status == 0
        assert printed.count("\n") == 1 + len(names) + 1


@pytest.mark.skipif(sys.platform == "darwin", reason="names are UTF-8 there")
def test_names_of_files_of_any_bytes(net, run):
    names = [b"\xff.png", b"red\x1b[31m.png", "ä\n脸.png".encode()]
    files = [os.fsdecode(name) for name in names]
    for file in files:
        Image.new("L", (96, 96)).save(file)
    shown = ["\\xff.png", "red\x1b[31m.png", "ä\n脸.png"]
    command = ["net.pickle", *files, "--no-detect"]
    assert run(*command, "--out", "a.csv", "--plot", "a.png")[0] == 0
    assert pd.read_csv("a.csv")["File"].tolist() == shown
    assert run(*command, "--out", "a.json")[0] == 0
    content = json.loads(Path("a.json").read_text(encoding="utf-8"))
    assert [face["file"] for face in content["faces"]] == shown
    status, printed = run(*command, "--format", "table")
    assert status == 0
    titles = [line for line in printed.splitlines() if line.endswith("png")]
    assert titles == ["\\xff.png", r"red\x1b[31m.png", r"ä\n脸.png"]
    for file in files:
        os.truncate(file, 0)
    assert r": red\x1b[31m.png is not an image" in run(*command)[0]


def test_arguments_that_begin_with_a_minus(net, run):
    Image.new("L", (96, 96), 51).save("-dash.png")
    status, _ = run("net.pickle", "./-dash.png", "--crop", "-4,-4,90,90")
    assert status == 0
    assert run("net.pickle", "./-dash.png", "--crop=-4,-4,90,90")[0] == 0
    for words in (["net.pickle", "--", "-dash.png"], ["--", "-dash.png"]):
        status, printed = run("--no-detect", *words)
        assert status == 0
        assert len(printed.splitlines()) == 2
    for crop in ("-90,0,90,90", "-x,0,9,9"):
        assert run("net.pickle", "./-dash.png", "--crop", crop)[0] != 0


def test_a_crop_that_does_not_fit_one_of_several_images(net, run):
    for name, side in (("large.png", 300), ("small.png", 50)):
        Image.new("L", (side, side), 51).save(name)
    command = ["net.pickle", "small.png", "large.png", "--crop", "200,200,60,60"]
    said, printed = run(*command)
    assert "the middle of the crop 200,200,60,60 is not in small.png" in said
    assert pd.read_csv(io.StringIO(printed))["File"].tolist() == ["large.png"]
