"""What the tests of checkpoints share."""

import pytest

from tests.helpers.killed_trainings import fate


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.checkpoint"


@pytest.fixture(autouse=True)
def fateless():
    fate.clear()
