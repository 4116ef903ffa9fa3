"""Nodes of a graph computed for all lengths of a class: tables from tables."""

import functools
import itertools

import numpy as np
from theano.tensor import ScalarFromTensor, TensorFromScalar
from theano.tensor.elemwise import Elemwise
from theano.tensor.opt import MakeVector

from kfkd.xla.symbolic import compute, reduced, tables_of

__all__ = ["evaluate_tables", "numpy_function"]

_MOST_POINTS = 2**12  # for which Theano evaluates a node one by one
_SMALL = 64  # elements of a value that is kept as a table


def evaluate_tables(node, values, evaluate):
    """Compute a node from values of which some are `Symbolic`, as Theano would.

    Parameters
    ----------
    evaluate : callable
        Theano's own evaluation of a node for given inputs.

    Returns
    -------
    tuple
        One value for each output, or None if they would be too large for tables.
    """
    if isinstance(node.op, (ScalarFromTensor, TensorFromScalar)):
        return tuple(values)
    if any(np.size(value) > _SMALL for value in values):
        return None
    function = _elementwise(node)
    if function is not None:
        return (compute(function, *values),)
    return _point_by_point(node, values, evaluate)


def _elementwise(node):
    """Return the function of arrays of a node that computes with each, or None."""
    if isinstance(node.op, MakeVector):
        return lambda *tables: np.stack(np.broadcast_arrays(*tables), -1)
    return numpy_function(node)


def _point_by_point(node, values, evaluate):
    of, tables = tables_of(values)
    k = len(of.ranges)
    sizes = np.broadcast_shapes(*(t.shape[:k] for t in tables))
    if np.prod(sizes) > _MOST_POINTS:
        return None
    tables = [np.broadcast_to(t, (*sizes, *t.shape[k:])) for t in tables]
    points = list(itertools.product(*map(range, sizes)))
    try:
        found = [evaluate(node, [np.array(t[p]) for t in tables]) for p in points]
    except (AssertionError, IndexError, ValueError):  # for some lengths, maybe
        return None
    outputs = []
    for arrays in zip(*found, strict=True):
        arrays = list(map(np.asarray, arrays))
        shape = arrays[0].shape
        if arrays[0].size > _SMALL or any(a.shape != shape for a in arrays):
            return None
        outputs.append(reduced(of, np.stack(arrays).reshape(*sizes, *shape)))
    return tuple(outputs)


def numpy_function(node):
    """Return the function of arrays that an `Elemwise` of one output is, or None.

    It computes in the dtype in which Theano does, and returns that of the output.
    """
    if not isinstance(node.op, Elemwise) or len(node.outputs) > 1:
        return None
    scalar_op, n = node.op.scalar_op, len(node.inputs)
    name, takes, _ = getattr(scalar_op, "nfunc_spec", None) or ("", 0, 1)
    dtype = np.dtype(node.outputs[0].type.dtype)
    if scalar_op.nin < 0 and hasattr(np, name):  # of any number of terms or factors
        function = functools.partial(_reduce, getattr(np, name), dtype)
    elif hasattr(np, name) and takes == n:
        function = _in_result_dtype(getattr(np, name), dtype, node)
    else:
        function = np.frompyfunc(scalar_op.impl, n, 1)
    return lambda *values: np.asarray(function(*values)).astype(dtype)


def _reduce(function, dtype, *values):
    return functools.reduce(function, (np.asarray(v).astype(dtype) for v in values))


def _in_result_dtype(function, dtype, node):
    """Compute with whole numbers in the dtype of the result if that has fractions.

    So does Theano.  NumPy has whole numbers as reciprocals of whole numbers.
    """
    if dtype.kind not in "fc" or any(v.type.dtype[0] in "fc" for v in node.inputs):
        return function
    return lambda *values: function(*(np.asarray(v).astype(dtype) for v in values))
