"""ONNX models of nets and sets of specialists."""

import json
import os
from collections.abc import Mapping
from typing import Any

import lasagne
import numpy as np

import kfkd
from kfkd.arguments import as_path, check
from kfkd.data import ALL_COLUMNS, COLUMNS, SIDE
from kfkd.errors import ExportError
from kfkd.estimator import NeuralNet
from kfkd.messages import count, shown
from kfkd.mirrored import sources
from kfkd.process.installation import install
from kfkd.storage import written_atomically
from kfkd.training import provenance

__all__ = ["save", "to_onnx"]

# Of ONNX, as browsers and phones have had it for long.
_OPSET, _IR = 17, 8


def to_onnx(nets: NeuralNet | Mapping, *, half: bool = False) -> Any:
    """Return a net, or a set of specialists, as an ONNX model.

    Parameters
    ----------
    nets : NeuralNet, or dict of tuple of str to NeuralNet
    half : bool, default=False
        Keep the weights in half precision, so that the model has half the size. It
        computes in single precision all the same.

    Returns
    -------
    onnx.ModelProto
        Its input ``images`` are float32 grey values in [0, 1], of the shape that the
        net takes, for any number of images; its output ``points`` are what ``predict``
        returns, of a set of specialists in the order of ``kfkd.data.COLUMNS``.
        Predictions are averaged over mirrored images if the net does that.
        ``metadata_props`` has the columns, what the net was trained on, and how to
        come to pixels, as far as that is known.

    Raises
    ------
    ExportError
        A layer cannot be exported, which is named; a net is not a NeuralNet or has not
        been trained; a set is not one of specialists; or ``onnx`` is not installed.
    """
    check("half", half, isinstance(half, bool), "True or False")
    try:
        import onnx
        from onnx import helper
    except ImportError as error:
        raise ExportError(
            f"this needs the package onnx ({error}): install it with "
            f"{install(extra='onnx')}"
        ) from error
    from kfkd.export.graph import Graph

    parts = nets if isinstance(nets, Mapping) else {None: nets}
    if not parts:
        raise ExportError("the set of specialists is empty")
    graph = Graph(half)
    shapes = {_input_shape(net) for net in parts.values()}
    if len(shapes) > 1:
        raise ExportError(f"the nets take images of other shapes: {sorted(shapes)}")
    (shape,) = shapes
    outputs, columns = [], []
    for key, net in parts.items():
        output = _add_net(graph, net, "images", shape)
        outputs.append(output)
        columns += _columns(net, key)
    if len(outputs) > 1:
        output = graph.add("Concat", *outputs, axis=1)
        order = [columns.index(name) for name in COLUMNS if name in columns]
        indices = graph.constant(np.array(order, np.int64), "order")
        output = graph.add("Gather", output, indices, axis=1)
        columns = [columns[i] for i in order]
    graph.add("Identity", output, name="points")
    made_of = [_output_layer(net).output_shape[1:] for net in parts.values()]
    size = sum(first for first, *_ in made_of), *made_of[0][1:]
    floats = onnx.TensorProto.FLOAT
    images = helper.make_tensor_value_info("images", floats, ["n", *shape])
    points = helper.make_tensor_value_info("points", floats, ["n", *size])
    made = helper.make_graph(graph.nodes, "kfkd", [images], [points], graph.constants)
    model = helper.make_model(
        made,
        producer_name="kfkd",
        producer_version=kfkd.__version__,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR,
    )
    helper.set_model_props(model, _about(nets, shape, columns))
    onnx.checker.check_model(model, full_check=True)
    return model


def save(
    nets: NeuralNet | Mapping, path: str | os.PathLike[str], *, half: bool = False
) -> None:
    """Write a net, or a set of specialists, as an ONNX file: whole or not at all.

    Parameters
    ----------
    nets, half
        As for `to_onnx`.
    path : path

    Raises
    ------
    ExportError
        As for `to_onnx`.
    StorageError
        The file cannot be written.
    """
    path = as_path(path, before=nets)
    content = to_onnx(nets, half=half).SerializeToString()
    with written_atomically(path) as draft:
        draft.write_bytes(content)


def _input_shape(net):
    """Return the shape of an image that a net takes."""
    if not isinstance(net, NeuralNet):
        kind = type(net)
        raise ExportError(
            f"a {kind.__module__}.{kind.__qualname__} is not a kfkd.NeuralNet, which "
            "alone can be exported"
        )
    if not hasattr(net, "layers_"):
        raise ExportError("the net has not been trained")
    inputs = [
        layer
        for layer in net.get_all_layers()
        if isinstance(layer, lasagne.layers.InputLayer)
    ]
    if len(inputs) != 1:
        raise ExportError(f"the net has {len(inputs)} inputs; one is needed")
    return tuple(inputs[0].shape[1:])


def _output_layer(net):
    if len(net._output_layers) != 1:
        raise ExportError("the net has several outputs; one is needed")
    return net._output_layers[0]


def _columns(net, key):
    """Return the names of a net's columns, as far as they are known."""
    n_outputs = _output_layer(net).output_shape[1]
    if key is not None:
        if not (isinstance(key, tuple) and {*key} <= {*COLUMNS}):
            raise ExportError(
                f"a set of specialists has tuples of columns as keys, not {shown(key)};"
                " export one net of this set"
            )
        if len(key) != n_outputs:
            raise ExportError(
                f"the specialist for {key[0]} has {count(n_outputs, 'output')}, and "
                f"{count(len(key), 'column')}"
            )
        return [*key]
    known = [entry["columns"] for entry in net.trained_on_ if "columns" in entry]
    for columns in (*known[-1:], COLUMNS, ALL_COLUMNS):
        if len(columns) == n_outputs:
            return [*columns]
    return []


def _add_net(graph, net, images, shape):
    """Add a net to a graph; return the name of what its ``predict`` returns."""
    if not net.mirror:
        return _add_layers(graph, net, images)
    # Images and mirrored images are predicted at once.
    flipped = _add_flip(graph, images, shape)
    both = _add_layers(graph, net, graph.add("Concat", images, flipped, axis=0))
    n_outputs = _output_layer(net).output_shape[1]
    halves = graph.constant(np.array([2, -1, n_outputs], np.int64), "shape")
    both = graph.add("Reshape", both, halves)
    here, there = (
        graph.add("Gather", both, graph.constant(np.int64(i), "which"), axis=0)
        for i in range(2)
    )
    order = sources(n_outputs, net.batch_iterator_train.flip_indices)
    there = graph.add("Gather", there, graph.constant(order.astype(np.int64)), axis=1)
    signs = np.where(np.arange(n_outputs) % 2 == 0, -0.5, 0.5).astype(np.float32)
    there = graph.add("Mul", there, graph.constant(signs[order], "signs"))
    here = graph.add("Mul", here, graph.constant(np.float32(0.5)))
    return graph.add("Add", here, there)


def _add_flip(graph, images, shape):
    """Add the mirrored images."""
    flat = len(shape) == 1
    if flat:
        square = graph.constant(np.array([-1, SIDE, SIDE], np.int64), "shape")
        images = graph.add("Reshape", images, square)
    # From the last column to the first, and the one before it, which is not there.
    start, end, axis, step = (
        graph.constant(np.array([value], np.int64))
        for value in (-1, np.iinfo(np.int64).min, -1, -1)
    )
    images = graph.add("Slice", images, start, end, axis, step)
    if flat:
        rows = graph.constant(np.array([-1, SIDE * SIDE], np.int64), "shape")
        images = graph.add("Reshape", images, rows)
    return images


def _add_layers(graph, net, images):
    """Add the layers of a net; return the name of its output."""
    from kfkd.export.layers import convert

    names = {layer: name for name, layer in net.layers_.items()}
    found = {}
    for layer in lasagne.layers.get_all_layers(_output_layer(net)):
        if isinstance(layer, lasagne.layers.InputLayer):
            found[layer] = images
            continue
        before = getattr(layer, "input_layers", None) or [layer.input_layer]
        name = names.get(layer) or layer.name or type(layer).__name__
        found[layer] = convert(graph, layer, [found[one] for one in before], name)
    return found[_output_layer(net)]


def _about(nets, shape, columns):
    """Return what the model says of itself."""
    about = {"made_by": f"kfkd {kfkd.__version__}"}
    if shape in ((1, SIDE, SIDE), (SIDE * SIDE,)):
        about["images"] = (
            f"grey values in [0, 1] of {SIDE} x {SIDE} pixels, row by row; a face "
            "fills the image from the brows to the chin"
        )
    if columns:
        about["points"] = (
            f"x and y in turn; {SIDE // 2} + {SIDE // 2} * value is pixels from the "
            "upper left corner"
        )
        about["columns"] = json.dumps(columns)
    trained_on = provenance.describe(nets)
    return about | ({"trained_on": trained_on} if trained_on else {})
