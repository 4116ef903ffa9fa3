"""notebooks/tutorial.ipynb: what is stored in it, and that it runs."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

PATH = Path(__file__).resolve().parents[2] / "notebooks" / "tutorial.ipynb"

# The cell of settings, but for what is too little to learn from.
SMALL = """
DATA, FACES, BATCH, SPECIALISTS = None, 60, 8, 1e-6
RATE, START, STOP, MOMENTUM = 0.01, 0.03, 0.0001, 0.95
EPOCHS_1 = EPOCHS = EPOCHS_STOP = 2
THIN = {f"conv{i}_num_filters": 1 for i in (1, 2, 3)}
THIN |= {"hidden4_num_units": 2, "hidden5_num_units": 2}
DROPOUT = {}
"""

# Two specialists instead of six: for the nose, and for all the rest.
FEW = """
from kfkd.data import COLUMNS
from kfkd.specialists import SPECIALIST_SETTINGS
nose = tuple(name for name in COLUMNS if name.startswith("nose"))
rest = tuple(name for name in COLUMNS if name not in nose)
SPECIALIST_SETTINGS[:] = [dict(columns=nose), dict(columns=rest)]
"""


@pytest.fixture
def notebook():
    return nbformat.read(PATH, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def settings(notebook):
    (cell,) = (c for c in notebook.cells if "parameters" in c.metadata.get("tags", ()))
    return cell


def names(source):
    return set(re.findall(r"\b[A-Z][A-Z_\d]+\b", re.sub("#.*", "", source)))


@pytest.mark.process
@pytest.mark.slow
def test_it_runs_from_top_to_bottom(notebook, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("TQDM_DISABLE", "1")  # as in the run that is stored
    # Nearly all of the time goes into compiling.
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    monkeypatch.setenv("THEANO_FLAGS", "optimizer=fast_compile")
    cell = settings(notebook)
    assert names(SMALL) == names(cell.source)
    cell.source = SMALL + FEW
    client = NotebookClient(notebook, timeout=600, kernel_name="python3")
    client.execute(cwd=str(tmp_path))  # raises what a cell raises
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert not [o for o in outputs if o.get("name") == "stderr"]
    assert {path.name for path in tmp_path.iterdir()} <= {"cache", "ipython"}


def test_its_outputs_are_stored_in_the_order_of_a_whole_run(notebook):
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error"]
    assert not [o for o in outputs if o.get("name") == "stderr"]
    figures = [o for o in outputs if "image/png" in o.get("data", ())]
    assert len(figures) >= 10


def test_its_tables_end_before_training_is_said_to_have_stopped(notebook):
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    texts = [o.text for o in outputs if "Early stopping." in o.get("text", "")]
    assert texts
    assert all(re.search(r"stopping\.\nBest .* \d+\.\n$", text) for text in texts)


def test_it_is_small_and_says_nothing_of_the_machine_it_ran_on(notebook):
    assert PATH.stat().st_size < 1.5e6
    nbformat.validate(notebook)
    for cell in code_cells(notebook):
        for output in cell.outputs:
            data = dict(output.get("data", {}), text=output.get("text", ""))
            data.pop("image/png", None)
            for text in data.values():
                assert not re.search(r"(?<![\w.])/(home|root|tmp|work|Users)/", text)
                assert not re.search(r"[A-Z]:\\", text)
