"""scripts/train.py, when it is interrupted, and when it goes on."""

import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import theano

from kfkd import data, faces, nets, storage
from kfkd.callbacks import AdjustVariable
from kfkd.cli import train
from kfkd.errors import CheckpointError, DivergedError
from kfkd.files import arrays
from tests.helpers.cases import ALL, some
from tests.helpers.train_runs import (
    HANGS,
    ROOT,
    check_same,
    epochs,
    files,
    interrupted,
    start,
    start_signalled,
    without_time_left,
)

KILLS, EPOCHS = (10, "300") if ALL else (2, "100")

pytestmark = pytest.mark.usefixtures("work")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with Kaggle's files, of 60 complete rows."""
    return faces.make(tmp_path_factory.mktemp("data"), n_train=200, n_test=17)


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    """The net of a training that nothing has ended early."""
    path = tmp_path_factory.mktemp("whole") / "net1.pickle"
    arguments = ["net1", "--data", str(folder), "--epochs", EPOCHS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(path.parent / "cache"))
        assert train.main([*arguments, "--out", str(path)]) == 0
    return path


@pytest.mark.gpu
@pytest.mark.process
def test_ctrl_c_saves_what_was_learnt(folder, tmp_path):
    (tmp_path / "only").mkdir()  # without a test set, no picture is drawn
    (tmp_path / "only" / "training.csv").symlink_to(folder / "training.csv")
    process = start("net1", "--data", tmp_path / "only", "--epochs", 10**6)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if re.match(" +3  \\|", line):
            process.send_signal(signal.SIGINT)
            break
    out = "".join(lines) + interrupted(process)
    net = storage.load("net1.pickle")
    assert len(net.train_history_) >= 3
    assert "\nInterrupted.\nBest validation loss" in out
    assert f"\n{len(net.train_history_)} epochs in" in out
    X, y = data.load(folder=folder)
    assert ((net.predict(X) - y) ** 2).mean() < net.train_history_[0]["train_loss"]
    assert "net1.pickle" in files(Path.cwd())


@pytest.mark.process
@pytest.mark.slow
def test_ctrl_c_before_the_first_epoch_saves_nothing(folder):
    process = start_signalled(signal.SIGINT, "Data:", "net1", "--data", folder)
    out = interrupted(process)
    assert "Interrupted" in out
    assert epochs(out) == []
    assert files(Path.cwd()) == []


def test_what_is_said_after_ctrl_c_begins_a_line(folder, monkeypatch, capsys):
    def fit(net, X, y, **options):  # as if Ctrl-C came at once; a terminal shows ^C
        print("^C", end="")
        net.train_history_ = []

    monkeypatch.setattr(nets.NeuralNet, "fit", fit)
    assert train.main(["net1", "--data", str(folder)]) == 130
    out = capsys.readouterr().out
    assert "^C\nInterrupted before the first epoch ended: there is nothing " in out


def test_a_training_that_diverges_is_an_error(folder, monkeypatch, capsys):
    def make(name, **changes):
        changes["on_epoch_finished"] = [
            AdjustVariable("update_learning_rate", 0.1, 1e9)
        ]
        rate = theano.shared(np.float32(0.1))
        return nets_make(name, update_learning_rate=rate, **changes)

    nets_make = nets.make
    monkeypatch.setattr(nets, "make", make)
    with pytest.raises(DivergedError, match="smaller update_learning_rate"):
        train.main(["net1", "--data", str(folder), "--epochs", "50"])
    net = storage.load("net1.pickle")
    assert np.isfinite(net.predict(data.load(folder=folder)[0])).all()
    assert "The net is saved in net1.pickle" in capsys.readouterr().out


@pytest.mark.gpu
@pytest.mark.process
@pytest.mark.slow
def test_a_training_that_is_killed_at_random_goes_on(folder, whole, capsys):
    arguments = ["net1", "--data", str(folder), "--epochs", EPOCHS]
    arguments += ["--checkpoint-every", "1", "--resume"]
    for _ in range(KILLS):
        # After the second row, so that the epoch before is saved.
        after = dict(times=2, seconds=random.uniform(0, 0.2))
        killed = start_signalled(signal.SIGKILL, r" +\d+  \|", *arguments, **after)
        killed.communicate(timeout=HANGS)
        assert killed.returncode == -signal.SIGKILL
    capsys.readouterr()
    assert train.main(arguments) == 0
    first = int(re.search(r"Resuming after epoch (\d+)", capsys.readouterr().out)[1])
    assert KILLS <= first < int(EPOCHS)
    check_same("net1.pickle", whole)
    assert files(Path.cwd()) == ["net1.pickle", "net1.png"]


# Ends the process by SIGKILL as its second checkpoint is written: when half of the file
# is there, or before the old file is moved, or the new one, into the given place.
_DYING = """
import os, signal, sys
from types import SimpleNamespace
from kfkd.callbacks import checkpoint_files
from kfkd.files import arrays
from kfkd.cli import train

at, moves, writes = sys.argv.pop(1), [], []

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def replace(source, target):
    moves.append(target.name)
    if moves.count(at) == 2:
        die()
    os.replace(source, target)

def write(path, *rest):
    arrays.write(path, *rest)
    writes.append(path)
    if at == "half" and len(writes) == 2:
        os.truncate(path, os.path.getsize(path) // 2)
        die()

checkpoint_files.os = SimpleNamespace(replace=replace)
checkpoint_files.arrays = SimpleNamespace(write=write, read=arrays.read)
sys.exit(train.main(sys.argv[1:]))
"""


@pytest.mark.process
@pytest.mark.slow
def test_one_that_is_killed_while_a_checkpoint_is_written_goes_on(folder, whole, capfd):
    arguments = ["net1", "--data", str(folder), "--epochs", EPOCHS]
    arguments += ["--checkpoint-every", "1", "--resume"]
    deaths = ["half", "net1.previous.checkpoint", "net1.checkpoint"]
    deaths = some(deaths, "half", "net1.checkpoint")
    for epoch, at in enumerate(deaths, 1):
        died = subprocess.run(
            [sys.executable, "-c", _DYING, at, *arguments],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert died.returncode == -signal.SIGKILL
        begun = re.findall(r"Resuming after epoch (\d+)", capfd.readouterr().out)
        assert begun == ([str(epoch - 1)] if epoch > 1 else [])
        assert ("net1.checkpoint" in files(Path.cwd())) == (at != "net1.checkpoint")
    assert train.main(arguments) == 0
    assert f"Resuming after epoch {len(deaths)}" in capfd.readouterr().out
    check_same("net1.pickle", whole)
    assert files(Path.cwd()) == ["net1.pickle", "net1.png"]


@pytest.mark.gpu
@pytest.mark.process
@pytest.mark.slow
def test_sigterm_saves_and_it_goes_on(folder, whole, capsys):
    arguments = ["net1", "--data", str(folder), "--epochs", EPOCHS]
    arguments += ["--checkpoint-every", "1"]
    process = start_signalled(signal.SIGTERM, r" +4  \|", *arguments)
    out = interrupted(process, signal.SIGTERM)
    assert "To resume from net1.checkpoint, do the same again with --resume" in out
    assert {"net1.pickle", "net1.png", "net1.checkpoint"} <= set(files(Path.cwd()))
    assert train.main([*arguments, "--resume"]) == 0
    assert re.search(r"Resuming after epoch ([3-9]|\d\d)\b", capsys.readouterr().out)
    check_same("net1.pickle", whole)


def test_a_time_limit_ends_in_good_order(folder, capsys):
    arguments = ["net1", "--data", str(folder), "--epochs", "1000000"]
    arguments += ["--log-every", "1000", "--time-limit", "1s"]
    assert train.main(arguments) == 75
    out = capsys.readouterr().out
    net = storage.load("net1.pickle")
    n = len(net.train_history_)
    assert f"The time limit is reached after epoch {n}\n" in out
    assert train.main([*arguments, "--resume"]) == 75
    assert f"Resuming after epoch {n}, from net1.checkpoint" in capsys.readouterr().out
    assert len(storage.load("net1.pickle").train_history_) > n


def test_a_checkpoint_of_another_training_is_an_error(folder, capsys):
    arguments = ["net1", "--data", str(folder), "--epochs", "1000000"]
    assert train.main([*arguments, "--time-limit", "1s"]) == 75
    before = Path("net1.checkpoint").read_bytes()
    with pytest.raises(storage.StorageError, match=r"batch_size of .* was 128"):
        train.main([*arguments, "--resume", "--batch-size", "16"])
    assert Path("net1.checkpoint").read_bytes() == before
    assert train.main([*arguments, "--dry-run"]) == 0
    assert Path("net1.checkpoint").read_bytes() == before
    with pytest.raises(CheckpointError, match=r"net1.checkpoint is left from .* early"):
        train.main(arguments)
    assert Path("net1.checkpoint").read_bytes() == before
    capsys.readouterr()
    assert train.main([*arguments[:-1], "2", "--no-resume"]) == 0
    out = capsys.readouterr().out
    assert "net1.pickle is there already" in out
    assert "checkpoint that was there is kept as net1.old.checkpoint\n" in out
    assert Path("net1.old.checkpoint").read_bytes() == before
    assert "The one that was there is kept as " in out  # of many more epochs
    assert storage.load("net1.old.pickle").max_epochs == 10**6
    kept = ["net1.old.checkpoint", "net1.old.pickle"]
    assert files(Path.cwd()) == [*kept, "net1.pickle", "net1.png"]
    finished = Path("net1.pickle").read_bytes()
    with pytest.raises(
        CheckpointError, match=r"no net1.checkpoint to resume from: .*end"
    ):
        train.main([*arguments[:-1], "2", "--resume"])
    assert Path("net1.pickle").read_bytes() == finished
    assert train.main([*arguments[:-1], "2", "--resume", "--out", "new.pickle"]) == 0
    assert "There is no checkpoint new.checkpoint" in capsys.readouterr().out


def test_what_a_killed_training_left_is_kept(folder):
    arrays.write("net1.previous.checkpoint", "checkpoint", {}, "the one before")
    arguments = ["net1", "--data", str(folder), "--epochs", "2"]
    with pytest.raises(CheckpointError, match="--resume continues it; --no-resume"):
        train.main(arguments)
    assert files(Path.cwd()) == ["net1.previous.checkpoint"]


@pytest.mark.process
@pytest.mark.slow
def test_a_reader_that_stops_reading_ends_nothing(folder, work):
    process = start("net1", "--data", folder, "--epochs", 30)
    for line in process.stdout:
        if line.startswith("     1  |"):
            break
    process.stdout.close()
    assert without_time_left(process.stderr.read()) == ""
    process.stderr.close()
    assert process.wait(timeout=HANGS) == 0
    assert len(storage.load("net1.pickle").train_history_) == 30
    assert files(work) == ["net1.pickle", "net1.png"]


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk_under_the_log_is_an_error_after_training(folder, work):
    with open("/dev/full", "w", encoding="utf-8") as log:
        process = start("net1", "--data", folder, "--epochs", 3, stdout=log)
    _, err = process.communicate(timeout=HANGS)
    assert process.returncode == 1
    assert re.fullmatch("train.py: standard output could not be .*No space.*\n", err)
    assert len(storage.load("net1.pickle").train_history_) == 3


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(signal, "SIGHUP") or signal.getsignal(signal.SIGHUP) is signal.SIG_IGN,
    reason="there is no SIGHUP, or it is ignored, as under nohup",
)
def test_a_terminal_that_is_closed_saves_what_was_learnt(folder, pseudo_terminal):
    terminal, side = pseudo_terminal
    process = start("net1", "--data", folder, "--epochs", 10**6, stdout=side)
    os.close(side)
    seen = b""
    while b"     3  |" not in seen:
        seen += os.read(terminal, 1000)
    os.close(terminal)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=HANGS)
    assert process.returncode == 128 + signal.SIGHUP
    assert len(storage.load("net1.pickle").train_history_) >= 3


@pytest.mark.process
@pytest.mark.slow
def test_a_terminal_that_knows_few_characters(tmp_path, folder, work):
    place = tmp_path / "gesichter-\N{LATIN SMALL LETTER O WITH DIAERESIS}"
    place.symlink_to(folder)
    out = place.with_suffix(".pickle")
    arguments = ["net1", "--data", place, "--epochs", 1, "--out", out]
    process = start(*arguments, PYTHONIOENCODING="ascii")
    printed, err = process.communicate(timeout=HANGS)
    assert (process.returncode, err) == (0, "")
    assert "gesichter-\\xf6.png" in printed
    assert out.exists()
