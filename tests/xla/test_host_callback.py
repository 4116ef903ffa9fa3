import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.graph.basic import Apply
from theano.graph.op import Op
from theano.graph.utils import MethodNotDefined
from theano.scalar import UnaryScalarOp, upgrade_to_float
from theano.tensor.elemwise import Elemwise

import kfkd
from tests.helpers.theano_oracle import check, check_gradient, random


class Doubled(Op):
    """An operation of a user's, in Python alone, that knows its shape."""

    __props__ = ()

    def make_node(self, x):
        x = T.as_tensor_variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0] * 2

    def infer_shape(self, fgraph, node, shapes):
        return shapes

    def grad(self, inputs, gradients):
        return [Doubled()(gradients[0])]


class Positive(Doubled):
    """One whose shape depends on values."""

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0][inputs[0] > 0]

    infer_shape = property()

    def make_node(self, x):
        x = T.as_tensor_variable(x)
        return Apply(self, [x], [T.TensorType(x.dtype, [False])()])


class Failing(Doubled):
    """One that works while there is nothing above one."""

    def perform(self, node, inputs, outputs):
        if inputs[0].max() > 1:
            raise KeyError("too large")
        outputs[0][0] = inputs[0]


class Shorter(Doubled):
    """One with a wrong infer_shape."""

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0][1:]


@pytest.fixture
def allowed():
    kfkd.xla.allow_python_ops()
    yield
    kfkd.xla.allow_python_ops(None)


def test_an_error_says_how_to_allow_them():
    x = T.dvector()
    with pytest.raises(NotImplementedError, match="KFKD_ALLOW_PYTHON_OPS=1"):
        theano.function([x], Doubled()(x), mode="xla")


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_an_operation_in_the_midst_of_a_program(allowed, dtype):
    def build(x):
        return [Doubled()(x + x)[0] - 1, Doubled()(x.sum()), Doubled()(Doubled()(x.T))]

    if dtype == "bool":
        check(lambda x: Doubled()(T.gt(x, 0)), random(0, (3, 4)))
    else:
        check(build, random(0, (3, 4), dtype) + 2**30)


def test_its_gradient(allowed):
    check_gradient(lambda x: T.exp(Doubled()(T.tanh(x))).sum(), random(1, (3, 2)))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_shape_that_depends_on_values(allowed, seed):
    def build(x):
        found = Positive()(T.sin(x))
        return [found, found.sum(), T.outer(found, found), found.shape[0] + 1]

    check(build, random(seed, (4, 3)))


def test_within_a_loop(allowed):
    check(
        lambda x: theano.scan(
            lambda row, s: Doubled()(row) + s, x, T.zeros(3, x.dtype)
        )[0],
        random(2, (4, 3)),
    )


@pytest.mark.parametrize(
    ("op", "cause"), [(Failing(), "too large"), (Shorter(), "infer_shape")]
)
def test_an_error_of_one_leaves_shared_variables_as_they_are(allowed, op, cause):
    x, kept = T.dvector(), theano.shared(np.ones(2))
    f = theano.function([x], updates=[(kept, kept + op(x))], mode="xla")
    for _ in range(2):
        with pytest.raises(RuntimeError, match=type(op).__name__) as error:
            f([1.0, 2.0])
        assert cause in str(error.value.__cause__)
        assert kept.get_value().tolist() == [1, 1]


def test_after_an_error_of_one_its_function_works(allowed):
    x = T.dvector()
    f = theano.function([x], Failing()(x), mode="xla")
    with pytest.raises(RuntimeError):
        f([2.0])
    assert f([0.5]).tolist() == [0.5]


def test_the_environment_allows_them(monkeypatch):
    x = T.dvector()
    monkeypatch.setenv("KFKD_ALLOW_PYTHON_OPS", "1")
    f = theano.function([x], Doubled()(x), mode="xla")
    np.testing.assert_array_equal(f([1, 2]), [2, 4])
    monkeypatch.setenv("KFKD_ALLOW_PYTHON_OPS", "yes")
    with pytest.raises(ValueError, match="KFKD_ALLOW_PYTHON_OPS is 'yes'"):
        theano.function([x], Doubled()(x), mode="xla")
    with pytest.raises(TypeError, match="not 'yes'"):
        kfkd.xla.allow_python_ops("yes")


class OnlyC(Op):
    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def c_code(self, *args):
        return ""


class OnlyCOfScalars(UnaryScalarOp):
    def c_code(self, *args):
        return ""


@pytest.mark.parametrize(
    ("op", "lacks"),
    [
        (OnlyC(), "OnlyC a method 'perform'"),
        (Elemwise(OnlyCOfScalars(upgrade_to_float)), "OnlyCOfScalars a method 'impl'"),
    ],
)
@pytest.mark.parametrize("allow", [True, False])
def test_c_code_alone(op, lacks, allow):
    x = T.vector()
    kfkd.xla.allow_python_ops(allow)
    try:
        with pytest.raises(NotImplementedError, match=f"give {lacks} in Python"):
            theano.function([x], op(x), mode="xla")
    finally:
        kfkd.xla.allow_python_ops(None)
    f = theano.function([x], op(x), mode="FAST_RUN")
    with pytest.raises(MethodNotDefined, match="C code is not compiled here"):
        f([1, 2])


def test_what_is_no_array(allowed):
    class Listed(Doubled):
        def make_node(self, x):
            return Apply(self, [x], [theano.graph.type.Generic()()])

    x = T.dvector()
    # A rewrite of Theano's asks for the shape of what has none.
    logged = theano.config.change_flags(on_opt_error="warn")
    wanted = pytest.raises(NotImplementedError, match="other things than arrays")
    with logged, wanted as error:
        theano.function([x], Listed()(x), mode="xla")
    assert str(error.value).endswith("may know it: use mode='FAST_RUN'.")
