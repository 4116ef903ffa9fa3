import pdb
import sys

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.breakpoint import PdbBreakpoint


@pytest.fixture
def stops(monkeypatch):
    """The values that a breakpoint shows; the debugger sets the first to zero."""
    seen = []

    def debug():
        monitored = sys._getframe(1).f_locals["monitored"]
        seen.append([m.tolist() for m in monitored])
        monitored[0] = np.zeros_like(monitored[0])

    monkeypatch.setattr(pdb, "set_trace", debug)
    for other in ("pudb", "ipdb"):
        monkeypatch.setitem(sys.modules, other, None)
    return seen


def test_breakpoints(stops, capsys):
    x, y = T.dvector("x"), T.lscalar("y")
    a, b = PdbBreakpoint("too high")(T.gt(x.sum(), 2), x, y)
    f = theano.function([x, y], [a * 2, b, T.grad(a.sum(), x)], mode="xla")
    given = [[v.tolist() for v in f(v, 5)] for v in ([1.0, 1.0], [3.0, 1.0])]
    assert given == [[[2, 2], 5, [1, 1]], [[0, 0], 5, [1, 1]]]
    assert stops == [[[3, 1], 5]]
    assert "too high" in capsys.readouterr().out
