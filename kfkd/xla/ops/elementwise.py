"""Operations on each element: ``Elemwise`` of those of ``theano.scalar``."""

import itertools

import jax
from theano.tensor import ScalarFromTensor, TensorFromScalar
from theano.tensor.elemwise import Elemwise

from kfkd.xla.dispatch import convert
from kfkd.xla.layout import Permuted, to_logical
from kfkd.xla.ops.scalar import scalar_function
from kfkd.xla.padded import PaddedArray
from kfkd.xla.runtime_checks import runtime_assert

__all__ = ["check_shapes"]


@convert.register(Elemwise, factory=True, keeps_layout=True, takes_padded=True)
def convert_elemwise(op, node):
    function = scalar_function(op.scalar_op, node)
    patterns = [v.type.broadcastable for v in node.inputs]

    def elemwise(*values):
        if any(isinstance(v, PaddedArray) for v in values):
            count, arrays = _same_rows([to_logical(v) for v in values], patterns)
            check_shapes([a.shape for a in arrays], patterns)
            return jax.tree.map(lambda a: PaddedArray(a, count), function(*arrays))
        check_shapes([v.shape for v in values], patterns)
        layout = next((type(v) for v in values if isinstance(v, Permuted)), None)
        if layout is None:
            return function(*values)
        return jax.tree.map(layout, function(*map(layout.physical, values)))

    return elemwise


def _same_rows(values, patterns):
    """Return the count of the `PaddedArray` among *values*, and arrays for all."""
    padded = [isinstance(v, PaddedArray) for v in values]
    arrays = [v.array if p else v for v, p in zip(values, padded, strict=True)]
    counts = [v.count if p else len(v) for v, p in zip(values, padded, strict=True)]
    has_rows = [not pattern[0] for pattern in patterns]
    count = next(itertools.compress(counts, padded))
    error = ValueError("Input dimension mismatch: the numbers of rows differ")
    for n in itertools.compress(counts, has_rows):
        runtime_assert(n == count, error)
    room = min(map(len, itertools.compress(arrays, has_rows)))
    return count, [a[:room] if r else a for a, r in zip(arrays, has_rows, strict=True)]


def check_shapes(shapes, patterns):
    """Raise if a dimension would be broadcast that is not declared broadcastable."""
    for axis, lengths in enumerate(zip(*shapes, strict=True)):
        fixed = {
            n for n, pattern in zip(lengths, patterns, strict=True) if not pattern[axis]
        }
        if len(fixed) > 1:
            raise ValueError(
                "Input dimension mismatch: the shapes "
                f"{', '.join(map(str, shapes))} differ in dimension {axis}, and none "
                "is declared broadcastable there"
            )


@convert.register(TensorFromScalar)
@convert.register(ScalarFromTensor)
def convert_scalar_or_tensor(op, node, x):
    return x
