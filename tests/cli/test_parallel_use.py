"""Several processes at work in one folder at the same time."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kfkd import faces, storage
from kfkd.callbacks import table_row
from tests.helpers import small_faces, train_runs

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "train.py"

pytestmark = pytest.mark.usefixtures("work")


def start(*command):
    environment = train_runs.environment()
    # As a user starts them: of a GPU, each takes what it takes by itself.
    environment.pop("XLA_PYTHON_CLIENT_PREALLOCATE", None)
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def weights(path):
    params = storage.load(path).get_all_params()
    return np.concatenate([param.get_value().ravel() for param in params])


@pytest.mark.gpu
@pytest.mark.process
@pytest.mark.slow
def test_two_trainings_into_one_file(work, tmp_path):
    data = faces.make(tmp_path / "data", n_train=200, n_test=1)
    train = [SCRIPT, "net1", "--data", data, "--epochs", 8, "--checkpoint-every", 1]
    # Without --no-resume, the checkpoint of one would stop the other if that is late.
    runs = [start(*train, "--seed", seed, "--no-resume") for seed in (1, 2)]
    tables = []
    for run in runs:
        out, err = run.communicate()
        assert run.returncode == 0, err
        tables.append([line for line in out.splitlines() if "  |  " in line][1:])
    # The later one has kept the net of the other.
    nets = [storage.load(path) for path in ("net1.old.pickle", "net1.pickle")]
    saved = [[table_row(row) for row in net.train_history_] for net in nets]
    assert sorted(saved) == sorted(tables)
    assert tables[0] != tables[1]
    left = {path for path in os.listdir(work) if ".old" not in path}
    assert left == {"net1.pickle", "net1.png"}


@pytest.mark.process
def test_reading_while_another_writes(work):
    names = "net.pickle", "net.npz"
    net = small_faces.small()
    net.initialize_layers()
    params = net.get_all_params()
    for value in (1, 2):
        for param in params:
            param.set_value(np.full_like(param.get_value(), value))
        storage.save(net, f"{value}.pickle")
    for name in names:
        storage.save(net, name)
    program = (
        "from kfkd import storage\n"
        "nets = [storage.load(f'{i}.pickle') for i in (1, 2)]\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    for net in nets:\n"
        f"        for name in {names}: storage.save(net, name)\n"
    )
    writer = start("-c", program)
    try:
        assert writer.stdout.readline() == "ready\n"
        found = [{weights(name).tobytes() for _ in range(12)} for name in names]
    finally:
        writer.kill()
        _, err = writer.communicate()
    assert err == ""
    assert found == [{weights(f"{i}.pickle").tobytes() for i in (1, 2)}] * 2
