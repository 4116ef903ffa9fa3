"""benchmarks/ablation.py: what is measured is not measured again, and its table."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from kfkd import faces, storage
from tests.helpers.train_runs import ROOT


@pytest.fixture
def ablation(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import ablation

    return ablation


def figures(folder, seeds, minutes=10):
    """Write figures of two nets: those of the first differ from seed to seed."""
    lines = [
        dict(what="epoch", net="net2", minutes=minutes, seconds=6.0, epochs=100),
        dict(what="epoch", net="modern_affine", minutes=minutes, seconds=5, epochs=120),
    ]
    for seed in range(seeds):
        for net, pixels in (("net2", 3 + seed), ("modern", 1.5)):
            epochs = 100 if net == "net2" else 120
            lines.append(
                dict(what="score", net=net, seed=seed, epochs=epochs, pixels=pixels)
            )
    (folder / "ablation.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")


def test_the_table_on_a_page(ablation, tmp_path):
    figures(tmp_path, 3)
    page, notebook = tmp_path / "page.md", tmp_path / "page.ipynb"
    page.write_text("a\n<!-- begin: ablation -->\nold\n<!-- end: ablation -->\nb\n")
    cells = [new_code_cell("1 + 1"), new_markdown_cell(page.read_text())]
    nbformat.write(new_notebook(cells=cells), notebook)
    command = ["--out", str(tmp_path), "--write", str(page), str(notebook)]
    assert ablation.main(command) == 0
    text = page.read_text()
    code, cell = nbformat.read(notebook, nbformat.NO_CONVERT).cells
    assert code.source == "1 + 1"
    assert cell.source == text
    page.write_text("no place")
    with pytest.raises(SystemExit, match=r"page.md has no comment <!-- begin"):
        ablation.main(command)
    assert page.read_text() == "no place"
    assert "| net2 | the tutorial's | 100 | 4.00 | 3.00, 4.00, 5.00 |" in text
    assert "| 120 | 1.50 | 1.50, 1.50, 1.50 |" in text
    assert "modern_rows" not in text
    assert "old" not in text
    assert text.startswith("a\n")
    assert text.endswith("b\n")


@pytest.mark.slow
def test_it_goes_on_where_it_was(ablation, tmp_path, monkeypatch, capsys):
    drawn = faces.make(tmp_path / "drawn", n_train=60, n_test=12)
    monkeypatch.setattr(ablation.faces, "make", lambda: drawn)
    monkeypatch.setattr(ablation, "TRAINED", ["net2", "modern_affine"])
    monkeypatch.setattr(ablation, "time_epochs", lambda name, drawn: 30.0)
    command = ["--out", str(tmp_path), "--minutes", "1", "--seeds", "1"]
    ablation.main(command)
    lines = (tmp_path / "ablation.jsonl").read_text().splitlines()
    assert len(lines) == 2 + 3
    found = {f["net"]: f for f in map(json.loads, lines) if f["what"] == "score"}
    assert set(found) == {"net2", "modern_affine", "modern"}
    assert all(figure["epochs"] == 2 for figure in found.values())
    # The score is that of the net that was saved.
    net = storage.load(tmp_path / "net2-0.npz")
    assert len(net.train_history_) == 2
    assert found["net2"]["pixels"] == ablation.score(net, drawn)
    assert found["modern"]["pixels"] != found["modern_affine"]["pixels"]
    capsys.readouterr()
    monkeypatch.setattr(ablation, "train", None)
    ablation.main(command)
    assert (tmp_path / "ablation.jsonl").read_text().splitlines() == lines
    assert "| modern |" in capsys.readouterr().out
