"""scripts/train.py, when more than one signal ends it."""

import random
import re
import signal
import time
from pathlib import Path

import pytest

from kfkd import faces, storage
from kfkd.callbacks import checkpoint_files
from kfkd.cli import train
from kfkd.files import arrays
from tests.helpers.cases import number
from tests.helpers.train_runs import HANGS, files, start

pytestmark = pytest.mark.usefixtures("work")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with Kaggle's files, of 60 complete rows."""
    return faces.make(tmp_path_factory.mktemp("data"), n_train=200, n_test=17)


def while_it(function):
    """Return a function that gets six signals before it does its work."""

    def signalled(*args, **kwargs):
        for _ in range(6):
            signal.raise_signal(signal.SIGINT)
        return function(*args, **kwargs)

    return signalled


def stop(net, train_history):
    if len(train_history) == 3:
        signal.raise_signal(signal.SIGINT)


def test_a_net_is_saved_whatever_comes_in_between(folder, monkeypatch):
    monkeypatch.setattr(storage, "save", while_it(storage.save))
    with pytest.raises(KeyboardInterrupt):
        train.main(["net1", "--data", str(folder), "--epochs", "3"])
    assert len(storage.load("net1.pickle").train_history_) == 3
    assert files(Path.cwd()) == ["net1.pickle"]  # it is finished: no checkpoint


def test_so_is_a_checkpoint(folder, monkeypatch):
    def make_net(args, make=train.make_net):
        net = make(args)
        net.on_epoch_finished.append(stop)
        return net

    monkeypatch.setattr(train, "make_net", make_net)
    monkeypatch.setattr(checkpoint_files.arrays, "write", while_it(arrays.write))
    with pytest.raises(KeyboardInterrupt):
        train.main(["net1", "--data", str(folder), "--epochs", "100"])
    assert len(storage.load("net1.pickle").train_history_) == 3
    assert files(Path.cwd()) == ["net1.checkpoint", "net1.pickle"]
    arrays.read("net1.checkpoint", "checkpoint")


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("case", range(number(3)))
def test_any_burst_of_signals_leaves_a_net_or_a_checkpoint(folder, case):
    process = start("net1", "--data", folder, "--epochs", 10**6)
    epoch = random.randint(1, 40)
    for line in process.stdout:
        if re.match(rf" +{epoch}  \|", line):
            break
    for _ in range(random.choice([1, 2, 3, 6, 20])):
        time.sleep(random.choice([0, 0.001, 0.01, 0.1]) * random.random())
        process.send_signal(random.choice(SIGNALS))
    process.communicate(timeout=HANGS)
    assert len(storage.load("net1.pickle").train_history_) >= epoch
    assert Path("net1.pickle").stat().st_size < 5e6  # without data
    arrays.read("net1.checkpoint", "checkpoint")
    assert set(files(Path.cwd())) <= {"net1.checkpoint", "net1.pickle", "net1.png"}
