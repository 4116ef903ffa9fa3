"""ONNX graph that is being made: its nodes and constants."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from kfkd.errors import ExportError
from kfkd.storage.definition import halved

__all__ = ["Graph"]


class Graph:
    """Nodes and constants, by the names of what they give.

    Parameters
    ----------
    half : bool
        Keep weights in half precision. They are computed with in single precision.
    """

    def __init__(self, half=False):
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._half = half
        self._count = 0

    def new_name(self, like):
        """Return a name that nothing has yet."""
        self._count += 1
        return f"{like}_{self._count}"

    def add(self, operator, *inputs, name=None, **attributes):
        """Add a node; return the name of its output.

        Parameters
        ----------
        operator : str
            Of ONNX, such as ``"Relu"``.
        *inputs : str
            Names of what it takes.
        name : str, optional
            Of the output.
        **attributes
            Of the operator.
        """
        name = name or self.new_name(operator)
        node = helper.make_node(operator, [*inputs], [name], name=name, **attributes)
        self.nodes.append(node)
        return name

    def constant(self, values, like="constant"):
        """Add an array that is not a weight, such as a shape; return its name."""
        name = self.new_name(like)
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def read(self, param):
        """Return the values of a parameter of a net, as they are to be kept."""
        values = param.get_value()
        if self._half:
            try:
                (small,) = halved(param.name, [values])
            except TypeError as error:
                raise ExportError(str(error)) from None
            return small.astype(values.dtype)
        return values

    def weight(self, values, like="weight"):
        """Add an array of weights, or of what was computed from them; return its name.

        It is kept in half precision if that changes no value.
        """
        values = np.ascontiguousarray(values, np.float32)
        if not self._half:
            return self.constant(values, like)
        with np.errstate(over="ignore"):
            small = values.astype(np.float16)
        if (small != values).any():
            return self.constant(values, like)
        return self.add("Cast", self.constant(small, like), to=onnx.TensorProto.FLOAT)
