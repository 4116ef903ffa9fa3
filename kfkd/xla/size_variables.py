"""Variables of a graph that sizes follow from, such as ``n`` and ``lengths.max()``."""

from theano.compile.ops import Shape_i
from theano.graph.basic import Constant, ancestors
from theano.scalar import Scalar
from theano.tensor import TensorType

from kfkd.xla.dispatch import dtype_of

__all__ = [
    "deciding_scalars",
    "fits_host",
    "is_array",
    "is_whole_number",
    "sizes_of_inputs",
]


def is_array(variable):
    """Return whether a variable stands for an array or a scalar."""
    return isinstance(variable.type, (TensorType, Scalar))


def fits_host(variable):
    """Return whether the host may read and compute with a variable before each call."""
    if not is_array(variable):
        return False
    most = 1 if dtype_of(variable).kind in "iub" else 0
    return variable.type.ndim <= most


def _is_size_of_input(v):
    return v.owner and isinstance(v.owner.op, Shape_i) and not v.owner.inputs[0].owner


def sizes_of_inputs(variables, known):
    """Return the ancestors that are sizes of inputs, up to those that are known."""
    return set(filter(_is_size_of_input, ancestors(variables, known)))


def deciding_scalars(variables, known=()):
    """Return the whole numbers that *variables*, of which sizes are made, follow from.

    What they follow from is looked for up to variables that are *known*.
    Each is an input, or computed from an array.  Numbers that follow from others, such
    as ``n + 1``, and sizes of inputs are not among them, nor are booleans.
    """
    found, todo, seen = [], list(variables), set(known)
    while todo:
        v = todo.pop()
        if v in seen or isinstance(v, Constant) or _is_size_of_input(v):
            continue
        seen.add(v)
        inputs = v.owner.inputs if v.owner else []
        if inputs and all(map(is_whole_number, inputs)):
            todo += inputs
        elif is_whole_number(v) and dtype_of(v).kind in "iu":
            found.append(v)
    return found


def is_whole_number(v):
    """Return whether a variable stands for a whole number."""
    return is_array(v) and v.type.ndim == 0 and dtype_of(v).kind in "iub"
