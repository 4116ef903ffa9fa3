"""What tests of several commands need."""

import pytest
from matplotlib.figure import Figure

from kfkd import storage
from tests.helpers import stubs


@pytest.fixture
def net(work):
    """A net of 30 outputs that is in net.pickle."""
    net = stubs.Linear(spread=0.1)
    storage.save(net, "net.pickle")
    return net


@pytest.fixture
def saved(monkeypatch):
    """The first Axes of each figure that is saved, which is saved all the same."""
    axes = []
    savefig = Figure.savefig

    def keep(figure, *args, **kwargs):
        axes.append(figure.axes[0])
        savefig(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", keep)
    return axes


@pytest.fixture
def usage_error(capsys):
    """Call a main with wrong arguments; return what it has printed to stderr."""

    def usage_error(main, arguments):
        with pytest.raises(SystemExit) as exit:
            main(arguments)
        assert exit.value.code == 2
        return capsys.readouterr().err

    return usage_error
