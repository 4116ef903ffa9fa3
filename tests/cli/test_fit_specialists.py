import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kfkd import data, faces, nets, specialists, storage
from kfkd.cli import fit_specialists
from kfkd.prediction import scoring
from kfkd.process.signals import sigterm_as_keyboard_interrupt
from tests.helpers import stubs
from tests.helpers.cases import ALL
from tests.helpers.fake_workers import COLUMNS, NAMES, SMALL
from tests.helpers.train_runs import files, without_time_left

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "fit_specialists.py"

# The script, with small nets.
STAND_IN = f"""
import sys
import kfkd  # before lasagne
sys.path.insert(0, {str(ROOT)!r})
from tests.helpers.fake_workers import SPECIALIST_SETTINGS, small
SPECIALIST_SETTINGS[:] = small()
from kfkd.cli import run
sys.exit(run("fit_specialists"))
"""

pytestmark = pytest.mark.usefixtures("work")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return faces.make(tmp_path_factory.mktemp("data"), n_train=40, n_test=1)


@pytest.fixture
def small_nets(monkeypatch):
    for setting in specialists.SPECIALIST_SETTINGS:
        monkeypatch.setitem(setting, "kwargs", SMALL)


@pytest.mark.slow
def test_specialists_are_trained_reported_saved_and_scored(
    folder, small_nets, work, capsys
):
    arguments = ["--data", str(folder), "--epochs-scale", "1e-5", "--log-every", "2"]
    arguments += ["--holdout", "0.25", "--batch-size", "16", "--device", "cpu"]
    assert fit_specialists.main(arguments) == 0
    assert files(work) == ["net-specialists.parts", "net-specialists.pickle"]
    fitted = storage.load("net-specialists.pickle")
    assert list(fitted) == list(COLUMNS.values())
    out = capsys.readouterr().out
    assert f"Data: drawn faces, {folder / 'training.csv'}\n" in out
    assert "The specialists are saved in net-specialists.pickle" in out

    # The table of the trainings, from the nets themselves.
    errors = []
    for (columns, net), name in zip(fitted.items(), NAMES, strict=True):
        X, y = data.load2d(cols=columns, folder=folder, holdout=0.25)
        assert len(net.train_history_) == net.max_epochs == int(1e7 / len(y) * 1e-5)
        assert net.batch_iterator_train.batch_size == 16
        best = min(net.train_history_, key=lambda row: row["valid_loss"])
        errors.append(np.sqrt(best["valid_loss"]) * 48)
        line = f"{len(y)} +{len(net.train_history_)} +{best['valid_loss']:.6f} "
        line += f"+{best['epoch']} +{errors[-1]:.3f} "
        assert re.search(f"^{name} +{line}", out, re.MULTILINE)
        # It is the best epoch's weights that are kept: the first fifth validates.
        n = -(-len(y) // 5)
        loss = ((net.predict(X[:n]) - y[:n]) ** 2).mean()
        assert loss == pytest.approx(best["valid_loss"], rel=1e-4)
    mean = np.average(errors, weights=[len(columns) for columns in fitted])
    assert re.search(rf"^mean, weighted by columns +{mean:.3f}$", out, re.MULTILINE)
    # Lines about single epochs.
    assert re.findall(r"^nose_tip +(\d+)/\d+  train", out, re.MULTILINE) == ["2"]

    predictions, labels = scoring.evaluate(
        fitted, *data.load_held_out(0.25, folder=folder)
    )
    assert "On the 10 rows held out:\n" in out
    assert scoring.report(predictions, labels) in out


@pytest.mark.process
@pytest.mark.slow
def test_options(folder, small_nets, work, capsys):
    start = nets.make("net6", **SMALL).seed(0)
    start.initialize_layers()
    storage.save(start, "start.pickle")
    arguments = ["start.pickle", "--data", str(folder), "--epochs-scale", "1e-9"]
    arguments += ["--only", "nose_tip", "mouth_left_corner", "--out", "two.pickle"]
    assert fit_specialists.main([*arguments, "--jobs", "2", "--seed", "3"]) == 0
    fitted = storage.load("two.pickle")
    assert list(fitted) == [COLUMNS["nose_tip"], COLUMNS["mouth_left_corner"]]
    assert files(work) == ["start.pickle", "two.parts", "two.pickle"]
    assert "\n2 at a time, on " in capsys.readouterr().out
    # Only the rows of these columns are scored.
    assert fit_specialists.main([*arguments, "--holdout", "0.2", "--seed", "3"]) == 0
    out = capsys.readouterr().out
    assert "2 rows held out" not in out
    table = out[out.index("On the 8 rows held out") :]
    assert re.findall(r"^(\w+) +\d+ +\d+\.\d{3}$", table, re.MULTILINE) == [
        "nose_tip",
        "mouth_left_corner",
        "mouth_right_corner",
        "mouth_center_top_lip",
        "all",
    ]


def test_a_dry_run_writes_no_file(folder, small_nets, work, capsys):
    assert fit_specialists.main(["--data", str(folder), "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "Dry run: no files are written." in out
    assert out.count(" at epoch 1 of 1,") == 6
    assert files(work) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "nose"], "argument --only: 'nose' is not one of left_eye_center,"),
        (["--epochs-scale", "0"], "--epochs-scale: 0 is not greater than 0"),
        (["--epochs-scale", "x"], "--epochs-scale: 'x' is not a number"),
        (["--holdout", "1"], "--holdout: 1 is not from 0 to less than 1"),
        (["--jobs", "0"], "--jobs: 0 is not a number of jobs"),
        (["--data", "x", "--synthetic"], "--data and --synthetic exclude"),
    ],
)
def test_usage_errors(arguments, message, usage_error):
    assert message in usage_error(fit_specialists.main, arguments)


def start(*arguments):
    """Start the script, with small nets, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", STAND_IN, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_an_error_is_one_line_and_status_1(folder, run):
    message, _ = run("none.pickle", "--data", folder)
    assert re.fullmatch(
        r"fit_specialists\.py: none\.pickle cannot be read: [^\n]+", message
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "abacus"], "--device: 'abacus' is not a device; the devices"),
        (["net2.pickle"], "there is no net2.pickle; `kfkd train net2` makes it"),
        (["net1"], "net1 cannot be read: No such file or directory (did you mean 'n"),
        (["crew.pickle"], "crew.pickle is a set of specialists, where a single net"),
        (["notes.pickle"], "notes.pickle is a text file, not a saved net"),
        (["--data", "nope"], "--data: there is no folder nope"),
    ],
)
def test_what_cannot_be_is_found_before_faces_are_drawn(
    run, monkeypatch, arguments, message
):
    monkeypatch.setattr(faces, "make", lambda **sizes: pytest.fail("faces are drawn"))
    storage.save(stubs.Linear(), "net1.pickle")
    storage.save(stubs.specialists(), "crew.pickle")
    Path("notes.pickle").write_text("none")
    status, out = run(*arguments)
    assert status.startswith(f"fit_specialists.py: {message}")
    assert "\n" not in status
    assert out == ""


def test_what_the_environment_asks_for_is_found_before_faces_are_drawn(
    run, monkeypatch
):
    monkeypatch.setattr(faces, "make", lambda **sizes: pytest.fail("faces are drawn"))
    with monkeypatch.context() as patch:
        patch.setenv("KFKD_DEVICE", "abacus")
        status, out = run()
    assert status.startswith(
        "fit_specialists.py: KFKD_DEVICE asks for the device 'abacus'; the devices are"
    )
    assert out == ""


@pytest.mark.slow
def test_how_many_of_the_specialists_are_saved(folder, small_nets, monkeypatch, capsys):
    arguments = ["--data", str(folder), "--epochs-scale", "1e-9", "--only"]
    assert fit_specialists.main([*arguments, *NAMES[:1]]) == 0
    assert capsys.readouterr().out.endswith(
        "\n1 of 6 specialists is saved in net-specialists.pickle. To train the others "
        f"({', '.join(NAMES[1:])}), do the same again without --only\n"
    )
    assert fit_specialists.main([*arguments, *NAMES[2:]]) == 0
    assert capsys.readouterr().out.endswith(
        "\n5 of 6 specialists are saved in net-specialists.pickle. To train the others "
        "(nose_tip), do the same again without --only\n"
    )
    assert fit_specialists.main(arguments[:-1]) == 0
    out = capsys.readouterr().out
    assert out.count("(done before") == 5
    assert out.endswith("\nThe specialists are saved in net-specialists.pickle\n")


def alive(group):
    """Say whether a process group has members that still run."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            return True
    return False


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_keep_what_is_learnt_and_leave_no_process(folder, small_nets, number):
    # One that is finished, with fewer epochs than the others will have.
    arguments = ["--data", str(folder), "--only", NAMES[0], "--epochs-scale", "1e-9"]
    assert fit_specialists.main(arguments) == 0
    process = start(
        "--data", folder, "--only", *NAMES[:2], "--jobs", "2", "--log-every", "1"
    )
    for line in process.stdout:
        if "  train " in line:
            os.killpg(process.pid, number)  # as a terminal does
            break
    out, err = process.communicate(timeout=600)
    assert process.returncode == 128 + number
    assert without_time_left(err) == "\nInterrupted.\n"
    assert f"Not finished: {NAMES[0]}, {NAMES[1]}." in out
    trained = line.split()[0]
    assert Path("net-specialists.parts", f"{trained}.checkpoint").exists()
    for _ in range(600):  # joblib's own helper needs a moment to clear up
        if not alive(process.pid):
            break
        time.sleep(0.1)
    assert not alive(process.pid)
    # What had been finished before is as it was.
    assert list(storage.load("net-specialists.pickle")) == [COLUMNS[NAMES[0]]]


@pytest.mark.process
@pytest.mark.slow
def test_killed_at_random_in_parallel_they_go_on(folder, small_nets, work):
    # Of 250 epochs, so that none is finished by the time of the kill.
    arguments = ["--data", str(folder), "--only", *NAMES[:2], "--epochs-scale", "1e-3"]
    arguments += ["--log-every", "1", "--checkpoint-every", "1"]
    assert fit_specialists.main([*arguments, "--out", "whole.pickle"]) == 0
    arguments += ["--jobs", "2"]
    parts = Path("net-specialists.parts")
    # The command alone, whose workers end by themselves, or all of them.
    kills = [os.kill, os.killpg] * (3 if ALL else 1)
    for kill in kills:
        killed = start(*arguments)
        printed = (line for line in killed.stdout if "  train " in line)
        next(printed)
        next(printed)
        while not list(parts.glob("*.checkpoint")):
            assert killed.poll() is None
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.3))
        kill(killed.pid, signal.SIGKILL)
        killed.communicate(timeout=600)  # until no process holds its output any more
        assert killed.returncode == -signal.SIGKILL
    assert list(parts.glob("*.checkpoint"))

    assert fit_specialists.main(arguments) == 0
    nets, expected = map(storage.load, ("net-specialists.pickle", "whole.pickle"))
    assert list(nets) == list(expected) == [COLUMNS[name] for name in NAMES[:2]]
    for columns in nets:
        ours, theirs = nets[columns], expected[columns]
        for row, other in zip(ours.train_history_, theirs.train_history_, strict=True):
            np.testing.assert_equal(row | {"dur": 0}, other | {"dur": 0})
        np.testing.assert_equal(
            ours.get_all_params_values(), theirs.get_all_params_values()
        )
    assert not list(parts.glob("*.checkpoint"))
    # The logs are those of whole trainings.
    logs = [
        Path(f"{stem}.parts", f"{NAMES[0]}.log")
        for stem in ("net-specialists", "whole")
    ]
    tables = [re.findall(r"^ +\d+  \|.*$", log.read_text(), re.M) for log in logs]
    assert tables[0] == tables[1]


@pytest.mark.process
@pytest.mark.slow
def test_a_time_limit_ends_in_good_order(folder, monkeypatch, work, capsys):
    # Of whole trainings, which would take hours, as nothing ends them early.
    for setting in specialists.SPECIALIST_SETTINGS:
        monkeypatch.setitem(setting, "kwargs", SMALL | {"on_epoch_finished": []})
    arguments = ["--data", str(folder), "--only", *NAMES[:2], "--checkpoint-every", "1"]
    limits = ["--jobs", "2", "--time-limit", "4s"]
    with sigterm_as_keyboard_interrupt():  # as the script does
        assert fit_specialists.main([*arguments, *limits]) == 75
    out = capsys.readouterr().out
    assert f"Not finished: {NAMES[0]}, {NAMES[1]}." in out
    assert out.endswith("The time limit is reached.\n")
    assert not Path("net-specialists.pickle").exists()
