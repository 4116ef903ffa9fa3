import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.compile.builders import OpFromGraph

from tests.helpers.theano_oracle import check, check_gradient, random


@pytest.mark.parametrize("inline", [False, True])
def test_operations_made_of_graphs(inline):
    x, y = T.dmatrices("x", "y")
    scale = theano.shared(np.array(2.0))
    product = OpFromGraph([x, y], [T.dot(x, y) * scale, x.sum()], inline=inline)
    squared = OpFromGraph([x], [x**2 + 1], inline=inline)
    nested = OpFromGraph([x], [squared(x) * scale], inline=inline)

    def build(a, b):
        return [*product(a + 1, b), squared(a), nested(b)]

    a, b = random(0, (3, 3)), random(1, (3, 3))
    check(build, a, b)
    check_gradient(build, a, b, against_theano=False)


def test_within_a_loop():
    x = T.dvector("x")
    doubled = OpFromGraph([x], [2 * x])
    check(lambda rows: theano.scan(doubled, rows)[0], random(2, (4, 3)))


def test_its_own_gradient():
    x, y = T.dvectors("x", "y")
    product = OpFromGraph(
        [x, y], [x * y], grad_overrides=lambda inputs, gradients: [gradients[0], x * 0]
    )
    gradient = T.grad(product(x, y).sum(), x)
    f = theano.function([x, y], gradient, mode="xla", on_unused_input="ignore")
    assert f([3.0, 4.0], [5.0, 6.0]).tolist() == [1, 1]
