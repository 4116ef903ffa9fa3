"""Host callbacks: operations without a conversion, computed by Theano in Python.

Only on request: in the middle of a program, the inputs are copied to the host, and the
outputs back to the device.
"""

import functools
import os

import jax
import jax.numpy as jnp
import numpy as np
import theano.tensor as T
from theano.graph.op import COp, Op
from theano.scalar import ScalarOp

from kfkd.xla.dispatch import dtype_of, evaluate, specialize_on
from kfkd.xla.runtime_checks import calling_python, runtime_assert
from kfkd.xla.specialization import StaticQuery

__all__ = [
    "allow_python_ops",
    "host_callback",
    "lacking_method",
    "python_ops_allowed",
]

_chosen = None


def allow_python_ops(allow=True):
    """Choose what happens to operations that mode ``"xla"`` does not know.

    Parameters
    ----------
    allow : bool or None
        True: Theano evaluates them in Python, in functions compiled from now on.  Their
        inputs and outputs are copied between device and host.  False, the default:
        compiling such a function is an error.  None resets the choice: they are allowed
        if the environment variable ``KFKD_ALLOW_PYTHON_OPS`` is 1.

    Raises
    ------
    TypeError
        If *allow* is anything else.
    """
    global _chosen
    if allow not in (True, False, None):
        raise TypeError(f"allow_python_ops takes True, False or None, not {allow!r}")
    _chosen = allow


def python_ops_allowed():
    """Return whether operations without a conversion may be evaluated in Python."""
    if _chosen is not None:
        return _chosen
    value = os.environ.get("KFKD_ALLOW_PYTHON_OPS", "")
    if value not in ("", "0", "1"):
        raise ValueError(f"KFKD_ALLOW_PYTHON_OPS is {value!r}: it must be 0 or 1")
    return value == "1"


def lacking_method(op):
    """Return the method that an operation with C code alone lacks, or None."""
    op = getattr(op, "scalar_op", op)
    if isinstance(op, ScalarOp):
        return "impl" if type(op).impl is ScalarOp.impl else None
    own_thunk = type(op).make_thunk not in (Op.make_thunk, COp.make_thunk)
    return "perform" if type(op).perform is Op.perform and not own_thunk else None


def host_callback(node):
    """Return the function of arrays that computes *node* by Theano on the host.

    Raise NotImplementedError if the node takes or returns anything but arrays.
    """
    if lacking_method(node.op):
        raise NotImplementedError(f"{node.op} has no conversion")
    if not all(isinstance(v.type, T.TensorType) for v in (*node.inputs, *node.outputs)):
        raise NotImplementedError(
            f"{node.op} has no conversion, and takes or returns other things than "
            "arrays"
        )

    def evaluated_shapes(*values):
        return tuple(np.shape(output) for output in evaluate(node, values))

    inferred_shapes = functools.cache(functools.partial(_inferred_shapes, node))
    failed = RuntimeError(
        f"{node.op} cannot be evaluated in Python, see the error above"
    )

    def compute(errors, results, *values):
        try:
            outputs = _evaluated(node, results, values)
        except BaseException as error:  # JAX would lose it, and the updated variables
            errors.append(error)
            return *(np.zeros(r.shape, r.dtype) for r in results), np.False_
        return *outputs, np.True_

    def function(*values):
        errors = calling_python()
        values = [
            jnp.asarray(value, dtype_of(v))
            for v, value in zip(node.inputs, values, strict=True)
        ]
        shapes = inferred_shapes(tuple(v.shape for v in values))
        if shapes is None:
            shapes = specialize_on(evaluated_shapes, *values)
        results = tuple(
            jax.ShapeDtypeStruct(shape, dtype_of(v))
            for v, shape in zip(node.outputs, shapes, strict=True)
        )
        *outputs, succeeds = jax.pure_callback(
            functools.partial(compute, errors, results),
            (*results, jax.ShapeDtypeStruct((), bool)),
            *values,
        )
        runtime_assert(succeeds, failed)
        return tuple(outputs)

    return function


def _evaluated(node, results, values):
    """Return the outputs of *node*; raise unless they have the types of *results*."""
    arrays = [np.array(value) for value in values]  # which it may write to
    for v, array in zip(node.inputs, arrays, strict=True):
        if array.dtype != dtype_of(v):  # jax_enable_x64 is each thread's own
            raise TypeError(f"{node.op} gets {array.dtype}, not {dtype_of(v)}")
    outputs = [
        np.asarray(output, result.dtype)
        for output, result in zip(evaluate(node, arrays), results, strict=True)
    ]
    for output, result in zip(outputs, results, strict=True):
        if output.shape != result.shape:
            raise ValueError(
                f"{node.op} returns the shape {output.shape}, but its infer_shape, or "
                f"the type of the output, says {result.shape}"
            )
    return outputs


def _inferred_shapes(node, shapes):
    """Return the shapes of outputs if those of inputs determine them, or None."""
    if all(all(v.type.broadcastable) for v in node.outputs):
        return tuple((1,) * v.type.ndim for v in node.outputs)
    if not hasattr(node.op, "infer_shape"):
        return None
    given = [tuple(T.constant(n, dtype="int64") for n in s) for s in shapes]
    try:
        inferred = node.op.infer_shape(None, node, given)
        lengths = [T.as_tensor_variable(n) for shape in inferred for n in shape]
    except Exception:  # Theano ignores it as well
        return None
    query = StaticQuery(_ints, lengths, {})
    if query.inputs:
        return None
    lengths = iter(query.evaluate(None))
    return tuple(tuple(next(lengths) for _ in range(v.type.ndim)) for v in node.outputs)


def _ints(*values):
    return tuple(map(int, values))
