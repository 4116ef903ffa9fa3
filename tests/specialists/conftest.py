"""What the tests of specialists share: faces to train on, and a training in no time."""

import pytest

import kfkd.specialists.worker
from kfkd import faces
from tests.helpers.fake_workers import FakeTraining


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with Kaggle's files."""
    return faces.make(tmp_path_factory.mktemp("data"), n_train=40, n_test=1)


@pytest.fixture
def training(monkeypatch):
    training = FakeTraining()
    monkeypatch.setattr(kfkd.specialists.worker, "_train", training)
    return training
