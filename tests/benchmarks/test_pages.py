"""benchmarks/pages.py: tables of the pages, from a folder of figures."""

import json
import re

import pytest

from tests.helpers.train_runs import ROOT

SETTINGS = {"device": "cuda", "card": "A card", "quick": False}
PAGE = """Before.

<!-- begin: speed cuda -->
<!-- end: speed cuda -->
<!-- begin: speed cpu -->
By hand.
<!-- end: speed cpu -->
<!-- begin: targets cuda -->
old
<!-- end: targets cuda -->
<!-- begin: ways cuda -->
kept
<!-- end: ways cuda -->
<!-- begin: training cuda -->
<!-- end: training cuda -->
<!-- begin: nets -->

| net | what | time |
|---|---|---|
| net2 | convolutions | 2.6 h |
| net6 | dropout | 9 h |

<!-- end: nets -->
After.
"""
SPEED = """A card, jax 1.2; today.

| what |  | net2, ms | by kfkd's | net6, ms | by kfkd's |
|---|---|---|---|---|---|
| epoch | kfkd | 20.00 | 1.00 | 30.00 | 1.00 |
| epoch | PyTorch, eager | 50.00 | 2.50 |  |  |
| step | kfkd | 1,500.00 | 1.00 |  |  |"""
TARGETS = """| what | found | target |  |
|---|---|---|---|
| net2: PyTorch eager's epoch by kfkd's | 2.50 | at least 3 | missed |
| net6's 3,000 epochs | 45 s | at most 60 s | met |"""
NETS = """| net | what | time | drawn faces: train / validation | time, A card |
|---|---|---|---|---|
| net2 | convolutions | 2.6 h |  |  |
| net6 | dropout | 9 h | 0.001000 / 0.002500, 2.40 pixels | 45 s |"""


@pytest.fixture
def pages(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import pages

    return pages


def speed(net, what, peer, seconds, ratio):
    more = dict(seconds=[seconds] * 3, ratios=[ratio] * 3)
    return dict(table="speed", net=net, what=what, peer=peer, **more)


def trained(epoch, seconds, scale=1):
    more = dict(train=0.001, valid=0.0025, pixels=2.4, epoch_seconds=0.015)
    more |= dict(epoch=epoch, seconds=seconds, scale=scale)
    return dict(table="training", name="net6", **more)


FIGURES = [
    dict(table="machine", what="device", value="A card"),
    dict(table="machine", what="jax", value="1.2"),
    dict(table="machine", what="date", value="today"),
    speed("net2", "step", "kfkd", 1.5, 1),
    speed("net2", "epoch", "kfkd", 0.9, 1),  # and again
    speed("net2", "epoch", "kfkd", 0.02, 1),
    speed("net2", "epoch", "torch", 0.05, 2.5),
    speed("net6", "epoch", "kfkd", 0.03, 1),
    trained(1500, 23),
    trained(3000, 45),
    trained(30, 1, scale=0.01),
]


def write(folder, figures, settings=SETTINGS):
    lines = [{"settings": settings}, *({"step": "any", **f} for f in figures)]
    lines.append({"step": "any", "end": {"outcome": "done"}})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "figures.jsonl").write_text(text + '{"table": "spe')  # and no more
    return str(folder)


def between(text, name):
    pattern = f"<!-- begin: {name} -->\n(.*)<!-- end: {name} -->"
    return re.search(pattern, text, re.DOTALL)[1].strip("\n")


def test_what_is_measured_is_written_and_the_rest_stays(pages, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    arguments = [write(tmp_path, FIGURES), "--pages", str(page)]
    assert pages.main(arguments) == 0
    text = page.read_text()
    assert between(text, "speed cuda") == SPEED
    assert between(text, "targets cuda").endswith(TARGETS)
    assert between(text, "nets") == NETS
    *_, row = between(text, "training cuda").splitlines()
    assert row.startswith("| net6 | 3,000 |")
    assert between(text, "speed cpu") == "By hand."
    assert between(text, "ways cuda") == "kept"
    assert text.startswith("Before.\n")
    assert text.endswith("After.\n")
    pages.main(arguments)
    assert page.read_text() == text


def test_shorter_trainings_are_no_results(pages, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    folder = write(tmp_path, [FIGURES[0], trained(30, 1, scale=0.01)])
    pages.main([folder, "--pages", str(page)])
    assert page.read_text() == PAGE


@pytest.mark.parametrize(
    ("settings", "message"),
    [(SETTINGS | {"quick": True}, "of a quick try"), (None, "has no figures")],
)
def test_a_folder_without_figures_is_an_error(
    pages, tmp_path, capsys, settings, message
):
    folder = write(tmp_path, FIGURES, settings) if settings else str(tmp_path)
    with pytest.raises(SystemExit):
        pages.main([folder])
    assert message in capsys.readouterr().err


def test_the_pages_have_a_place_for_every_table(pages):
    text = "".join(page.read_text(encoding="utf-8") for page in pages.PAGES)
    places = re.findall(r"<!-- begin: (\w+) cuda -->", text)
    assert len(set(places)) == len(places)
    assert set(places) == {*pages.TABLES, "targets"} - {"machine"}
    for name in [f"{place} cuda" for place in places] + ["nets"]:
        assert between(text, name) is not None
    table = between((ROOT / "README.md").read_text(encoding="utf-8"), "nets")
    figures = {"training": [trained(3000, 45)], "machine": FIGURES[:1]}
    filled = pages.fill_nets(table, figures, "cuda")
    assert "| net6 | dropout | 3000 |" in filled
    assert filled.splitlines()[0].endswith("| time, A card |")


def test_all_tables_have_rows(pages):
    figure = dict(seconds=[1.0], ratios=[1.0], net="net1", what="epoch", peer="kfkd")
    for name in ("speed", "formulations"):
        kind = pages.TABLES[name]
        assert len(kind.row(figure)) == len(kind.columns)
