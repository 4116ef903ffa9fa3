"""Nets that earlier releases have saved, on another Python perhaps: tests/saved/."""

from pathlib import Path

import numpy as np
import pytest

from kfkd import storage

SAVED = Path(__file__).resolve().parents[1] / "saved"
X = np.random.default_rng(0).random((40, 1, 6, 6), np.float32)


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in SAVED.glob("*.npz")), ids=str
)
def test_nets_of_earlier_releases(name):
    expected = np.load(SAVED / f"{name}-predictions.npy")
    nets = [storage.load(SAVED / f"{name}{end}") for end in (".pickle", ".npz")]
    nets.append(storage.load(SAVED / f"{name}-specialists.pickle")["a", "b"])
    for net in nets:
        np.testing.assert_allclose(net.predict(X), expected, rtol=1e-5, atol=1e-6)
        assert len(net.train_history_) == 3
        assert net.on_epoch_finished[1].patience == 50
        net.fit(X, expected, epochs=1)
        assert [row["epoch"] for row in net.train_history_] == [1, 2, 3, 4]
