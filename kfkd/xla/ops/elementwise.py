"""Operations on each element: ``Elemwise`` of those of ``theano.scalar``."""

import jax
import numpy as np
from theano.tensor import ScalarFromTensor, TensorFromScalar
from theano.tensor.elemwise import Elemwise

from kfkd.xla.counts import Count, count_of, in_program, number_of
from kfkd.xla.dispatch import convert
from kfkd.xla.layout import Permuted, to_logical
from kfkd.xla.ops.scalar import scalar_function
from kfkd.xla.padded import PaddedArray, array_of, fitted, logical_shape, padded
from kfkd.xla.runtime_checks import runtime_assert
from kfkd.xla.sizes import is_computed, largest
from kfkd.xla.symbolic import Symbolic, same

__all__ = ["check_shapes", "with_same_lengths"]

_COUNTING = "bool", "int32", "int64"  # the dtypes of sizes, and of questions of them


@convert.register(
    Elemwise, factory=True, keeps_layout=True, takes_padded=True, takes_counts=True
)
def convert_elemwise(op, node):
    function = scalar_function(op.scalar_op, node)
    patterns = [v.type.broadcastable for v in node.inputs]
    output, *others = node.outputs
    may_count = output.ndim == 0 and output.dtype in _COUNTING and not others

    def elemwise(*values):
        if may_count:
            return count_of(node, values, function(*map(in_program, values)))
        values = [in_program(number_of(v)) for v in values]
        if any(isinstance(v, PaddedArray) for v in values):
            lengths, arrays = with_same_lengths(list(map(to_logical, values)), patterns)
            check_shapes([np.shape(a) for a in arrays], patterns)
            return jax.tree.map(lambda a: padded(a, lengths), function(*arrays))
        check_shapes([v.shape for v in values], patterns)
        layout = next((type(v) for v in values if isinstance(v, Permuted)), None)
        if layout is None:
            return function(*values)
        return jax.tree.map(layout, function(*map(layout.physical, values)))

    return elemwise


def with_same_lengths(values, patterns):
    """Return the lengths of padded axes, which *values* share, and arrays for all."""
    lengths = {}
    shapes = list(map(logical_shape, values))
    for axis in range(len(patterns[0])):
        pairs = zip(shapes, patterns, strict=True)
        sizes = [shape[axis] for shape, pattern in pairs if not pattern[axis]]
        if all(isinstance(n, int) for n in sizes):
            continue
        lengths[axis] = _same_length(sizes)
    return lengths, [
        fitted(
            array_of(value),
            {axis: n for axis, n in lengths.items() if not pattern[axis]},
        )
        for value, pattern in zip(values, patterns, strict=True)
    ]


def _same_length(sizes):
    """Return the one of equal sizes that is known best; raise if they differ."""
    error = ValueError("Input dimension mismatch: the lengths of an axis differ")
    computed = [n.number for n in sizes if is_computed(n)]
    if computed:
        for n in sizes:
            if in_program(n) is not computed[0]:
                runtime_assert(in_program(n) == computed[0], error)
        return Count(computed[0], min(map(largest, sizes)))
    length = min(sizes, key=lambda n: isinstance(n, Symbolic))
    if not all(same(n, length) for n in sizes):
        raise error
    return length


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


@convert.register(TensorFromScalar, takes_counts=True)
@convert.register(ScalarFromTensor, takes_counts=True)
def convert_scalar_or_tensor(op, node, x):
    return x
