"""Functions of arrays for the operations of ``theano.scalar``."""

import functools
import operator

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import special
from theano import scalar as ts
from theano.graph.basic import Constant
from theano.scalar import basic_scipy as tss
from theano.tensor import xlogx
from theano.tensor.nnet import nnet, sigm

from kfkd.xla.dispatch import as_dtype, convert, dtype_of
from kfkd.xla.ops.special import SPECIAL

__all__ = ["scalar_function"]


def _fold(function):
    return lambda *values: functools.reduce(function, values)


def _round_half_away_from_zero(x):
    return jnp.trunc(x + jnp.copysign(jnp.asarray(0.5, x.dtype), x))


def _second(x, y):
    return jnp.broadcast_to(y, jnp.broadcast_shapes(jnp.shape(x), jnp.shape(y)))


def _clip(x, low, high):
    # In Theano's order: the lower bound wins where the two contradict each other.
    return jnp.where(x < low, low, jnp.where(x > high, high, x))


def _zero_by_zero(divide):
    """Return *divide* with integers divided by zero giving zero, as in NumPy."""

    def divided(x, y):
        if jnp.issubdtype(x.dtype, jnp.inexact):
            return divide(x, y)
        return jnp.where(y == 0, 0, divide(x, jnp.where(y == 0, 1, y)))

    return divided


def _floor_divide(x, y):
    found = jnp.floor_divide(x, y)
    if jnp.issubdtype(found.dtype, jnp.floating):
        # Infinite, as in NumPy, where JAX 0.10.0 and before have NaN.
        found = jnp.where(y == 0, x / y, found)
    return found


def _power(x, y):
    if not jnp.issubdtype(x.dtype, jnp.signedinteger):
        return jnp.power(x, y)
    # As in C: 1/x without its fraction.  There is no integer for 1/0.
    cut = (y < 0) & (jnp.abs(x) != 1)
    return jnp.where(cut, 0, jnp.power(x, jnp.where(y < 0, y & 1, y)))


# C and NumPy, on most machines, cast floats to these by way of a larger integer.
_WRAPPING = ("int8", "int16", "uint8", "uint16", "uint32", "uint64")


def _cast(x, dtype):
    if dtype.name not in _WRAPPING or not jnp.issubdtype(x.dtype, jnp.floating):
        return as_dtype(x, dtype)
    # XLA would clip: 0 for -1.
    wrapped = as_dtype(as_dtype(x, "int64"), dtype)
    # The upper half of uint64 does not fit into int64.
    return jnp.where(x < 0, wrapped, as_dtype(x, dtype)) if dtype == "u8" else wrapped


def _in_double(function):
    """Return *function* of reals in float64: XLA's errors grow with their exponents."""
    return lambda x: function(as_dtype(x, "float64") if x.dtype.kind == "f" else x)


def _in_range(op):
    above = operator.lt if op.openlow else operator.le
    below = operator.lt if op.openhi else operator.le
    return lambda x, low, high: above(low, x) & below(x, high)


def _ultra_fast_sigmoid(x):
    # UltraFastScalarSigmoid.st_impl; its nfunc_spec names the exact sigmoid instead.
    half = 0.5 * jnp.abs(x)
    z = jnp.select(
        [half < 1.7, half < 3],
        [
            1.5 * half / (1 + half),
            0.935409070603099 + 0.0458812946797165 * (half - 1.7),
        ],
        0.99505475368673,
    )
    return 0.5 * (jnp.where(x < 0, -z, z) + 1)


# Computed in the dtype of the result, to which the arguments are cast before.
_ON_RESULT_DTYPE = {
    ts.Add: _fold(operator.add),
    ts.AND: _fold(operator.and_),
    ts.ArcCos: jnp.arccos,
    ts.ArcCosh: jnp.arccosh,
    ts.ArcSin: jnp.arcsin,
    ts.ArcSinh: jnp.arcsinh,
    ts.ArcTan: jnp.arctan,
    ts.ArcTan2: jnp.arctan2,
    ts.ArcTanh: jnp.arctanh,
    ts.Ceil: jnp.ceil,
    ts.Clip: _clip,
    ts.Conj: jnp.conj,
    ts.Cos: jnp.cos,
    ts.Cosh: _in_double(jnp.cosh),
    ts.Deg2Rad: jnp.deg2rad,
    ts.Exp: jnp.exp,
    ts.Exp2: _in_double(jnp.exp2),
    ts.Expm1: jnp.expm1,
    ts.Floor: jnp.floor,
    ts.Identity: lambda x: x,
    ts.IntDiv: _zero_by_zero(_floor_divide),
    ts.Inv: lambda x: 1 / x,
    ts.Invert: jnp.invert,
    ts.Log: jnp.log,
    ts.Log10: jnp.log10,
    ts.Log1p: jnp.log1p,
    ts.Log2: jnp.log2,
    ts.Mod: _zero_by_zero(jnp.mod),
    ts.Mul: _fold(operator.mul),
    ts.Neg: operator.neg,
    ts.OR: _fold(operator.or_),
    ts.Pow: _power,
    ts.Rad2Deg: jnp.rad2deg,
    ts.RoundHalfAwayFromZero: _round_half_away_from_zero,
    ts.RoundHalfToEven: jnp.round,
    ts.ScalarMaximum: _fold(jnp.maximum),
    ts.ScalarMinimum: _fold(jnp.minimum),
    ts.Second: _second,
    ts.Sgn: jnp.sign,
    ts.Sin: jnp.sin,
    ts.Sinh: _in_double(jnp.sinh),
    ts.Sqr: lambda x: x * x,
    ts.Sqrt: jnp.sqrt,
    ts.Sub: operator.sub,
    ts.Tan: jnp.tan,
    ts.Tanh: jnp.tanh,
    ts.TrueDiv: jnp.true_divide,
    ts.Trunc: jnp.trunc,
    ts.XOR: _fold(operator.xor),
    tss.Erf: special.erf,
    tss.Erfc: special.erfc,
    tss.Erfinv: special.erfinv,
    xlogx.XlogX: lambda x: special.xlogy(x, x),
    xlogx.XlogY0: special.xlogy,
    nnet.ScalarSoftsign: lambda x: x / (1 + jnp.abs(x)),
    sigm.ScalarSigmoid: jax.nn.sigmoid,
    sigm.ScalarSoftplus: jax.nn.softplus,
    sigm.UltraFastScalarSigmoid: _ultra_fast_sigmoid,
}

# Computed in the dtype that NumPy finds for all arguments.
_ON_COMMON_DTYPE = {
    ts.Abs: jnp.abs,
    ts.Angle: jnp.angle,
    ts.Complex: lambda *parts: jax.lax.complex(*(1.0 * part for part in parts)),
    ts.ComplexFromPolar: lambda r, angle: r * jnp.exp(1j * angle),
    ts.EQ: operator.eq,
    ts.GE: operator.ge,
    ts.GT: operator.gt,
    ts.Imag: jnp.imag,
    ts.IsInf: jnp.isinf,
    ts.IsNan: jnp.isnan,
    ts.LE: operator.le,
    ts.LT: operator.lt,
    ts.NEQ: operator.ne,
    ts.Real: jnp.real,
}


def scalar_function(op, node):
    """Return the function that applies *op* elementwise, in the dtypes of *node*."""
    if isinstance(op, ts.Composite):
        return _composite(op)
    kind, result = type(op), dtype_of(node.outputs[0])
    if kind is ts.Cast:
        return lambda x: _cast(x, result)
    if kind is ts.Switch:
        return lambda condition, x, y: jnp.where(
            as_dtype(condition, bool), as_dtype(x, result), as_dtype(y, result)
        )
    if kind is ts.InRange or kind in _ON_COMMON_DTYPE:
        function = _in_range(op) if kind is ts.InRange else _ON_COMMON_DTYPE[kind]
        dtype = np.result_type(*map(dtype_of, node.inputs))
    elif kind in _ON_RESULT_DTYPE and not (kind is tss.Erf and result.kind == "c"):
        function, dtype = _ON_RESULT_DTYPE[kind], result
    elif kind in SPECIAL and result.kind == "f":
        function, dtype = SPECIAL[kind], np.dtype("float64")
    else:
        return _by_definition(op, node)
    return lambda *values: as_dtype(
        function(*(as_dtype(v, dtype) for v in values)), result
    )


def _by_definition(op, node):
    """Return a user's operation as its Python definition, if JAX can trace that."""
    # Python's numbers are as wide.
    widest = {"f": "float64", "c": "complex128"}
    given = [dtype_of(v) for v in node.inputs]
    wide = [d if d == "uint64" else widest.get(d.kind, "int64") for d in given]
    results = [dtype_of(v) for v in node.outputs]
    define = jnp.vectorize(op.impl)
    try:
        with jax.enable_x64(True):
            jax.eval_shape(define, *(jax.ShapeDtypeStruct((), t) for t in wide))
    except Exception:
        raise NotImplementedError(
            f"the elementwise operation {type(op).__name__} has no conversion"
        ) from None

    def defined(*values):
        outputs = define(*map(as_dtype, values, wide))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        outputs = tuple(map(_cast, outputs, results))
        return outputs if len(outputs) > 1 else outputs[0]

    return defined


def _composite(op):
    """Return the function of a graph of scalar operations that Theano has fused."""
    graph = op.fgraph
    steps = [(node, scalar_function(node.op, node)) for node in graph.toposort()]
    constants = {
        v: v.data for n, _ in steps for v in n.inputs if isinstance(v, Constant)
    }

    def composite(*values):
        env = constants | dict(zip(graph.inputs, values, strict=True))
        for node, step in steps:
            env[node.outputs[0]] = step(*(env[v] for v in node.inputs))
        outputs = tuple(env[v] for v in graph.outputs)
        return outputs if len(outputs) > 1 else outputs[0]

    return composite


@convert.register(ts.ScalarOp, factory=True)
def convert_scalar_op(op, node):
    return scalar_function(op, node)
