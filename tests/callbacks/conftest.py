"""What the tests of checkpoints share."""

import pytest

from tests.helpers.killed_trainings import kill_after


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.checkpoint"


@pytest.fixture(autouse=True)
def never_killed():
    kill_after.clear()
