"""What the tests of the training loop share."""

import pytest

from kfkd.training import epochs
from kfkd.xla import formulations


@pytest.fixture
def loops(monkeypatch):
    """Let this device run loops over all graphs, as a GPU does."""
    monkeypatch.setattr(formulations, "loops", lambda nodes: True)


@pytest.fixture
def ways(monkeypatch):
    """A list of the ways in which epochs have been started."""
    taken = []
    for kind in (epochs.OnDevice, epochs.BatchWise):

        def start(self, _start=kind.start):
            taken.append(type(self).__name__)
            return _start(self)

        monkeypatch.setattr(kind, "start", start)
    return taken
