"""Operations on each element: ``Elemwise`` of those of ``theano.scalar``."""

import jax
from theano.tensor import ScalarFromTensor, TensorFromScalar
from theano.tensor.elemwise import Elemwise

from kfkd.xla.dispatch import convert, runtime_assert
from kfkd.xla.layout import Permuted, to_logical
from kfkd.xla.ops.scalar import scalar_function
from kfkd.xla.padded import PaddedArray

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
    count = next(v.count for v in values if isinstance(v, PaddedArray))
    rows, arrays = [], []
    for value, (broadcast, *_) in zip(values, patterns, strict=True):
        padded = isinstance(value, PaddedArray)
        array = value.array if padded else value
        n = value.count if padded else array.shape[0]
        if not broadcast:
            rows.append(array.shape[0])
            error = "Input dimension mismatch: the numbers of rows differ"
            runtime_assert(n == count, ValueError(error))
        arrays.append((array, broadcast))
    room = min(rows)
    return count, [a if broadcast else a[:room] for a, broadcast in arrays]


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
