"""Layers of Lasagne as nodes of ONNX, for prediction.

A conversion is called with the graph, the layer and the names of its inputs, and
returns the name of its output. `convert` is the way in.
"""

import numpy as np
from lasagne import layers, nonlinearities
from theano import tensor as T

from kfkd.errors import ExportError

__all__ = ["convert"]


def convert(graph, layer, inputs, name):
    """Add a layer to a graph; return the name of its output.

    Parameters
    ----------
    graph : kfkd.export.graph.Graph
    layer : lasagne.layers.Layer
    inputs : list of str
        The outputs of the layers before it.
    name : str
        Of the layer, for messages.

    Raises
    ------
    ExportError
        There is no conversion of such a layer, or none of what it has as a parameter.
    """
    # Not of a subclass, which may compute something else.
    conversion = _CONVERSIONS.get(type(layer))
    if conversion is None:
        raise ExportError(
            f"layer {name!r} is a {type(layer).__name__}, which cannot be exported"
        )
    try:
        return conversion(graph, layer, *inputs)
    except ExportError as error:
        kind = type(layer).__name__
        raise ExportError(
            f"layer {name!r} ({kind}) cannot be exported: {error}"
        ) from None


def _same(graph, layer, x):
    return x


def _dense(graph, layer, x):
    if layer.num_leading_axes != 1:
        raise ExportError("num_leading_axes is not 1")
    if len(layer.input_shape) > 2:
        x = graph.add("Flatten", x, axis=1)
    x = graph.add("MatMul", x, graph.weight(graph.read(layer.W), "W"))
    if layer.b is not None:
        x = graph.add("Add", x, graph.weight(graph.read(layer.b), "b"))
    return _nonlinear(graph, layer, x)


def _nin(graph, layer, x):
    ndim = len(layer.input_shape)
    kernel = graph.read(layer.W).T
    kernel = kernel.reshape(*kernel.shape, *[1] * (ndim - 2))
    x = graph.add("Conv", x, graph.weight(kernel, "W"))
    x = _add_biases(graph, layer, x, ndim)
    return _nonlinear(graph, layer, x)


def _conv(graph, layer, x):
    original = layers.Conv2DLayer((None, 1, 3, 3), 1, 1).convolution
    if layer.convolution is not original:
        raise ExportError("it has a convolution of its own")
    kernel = graph.read(layer.W)
    if layer.flip_filters:  # ONNX does not
        kernel = kernel[:, :, ::-1, ::-1]
    if layer.pad == "same":
        begin = [size // 2 for size in layer.filter_size]
        end = [(size - 1) // 2 for size in layer.filter_size]
    elif layer.pad == "full":
        begin = end = [size - 1 for size in layer.filter_size]
    else:
        begin = end = [*layer.pad]
    x = graph.add(
        "Conv",
        x,
        graph.weight(kernel, "W"),
        strides=[*layer.stride],
        pads=[*map(int, [*begin, *end])],
        group=layer.num_groups,
    )
    x = _add_biases(graph, layer, x, 4)
    return _nonlinear(graph, layer, x)


def _add_biases(graph, layer, x, ndim):
    if layer.b is None:
        return x
    biases = graph.read(layer.b)
    if not layer.untie_biases:
        biases = biases.reshape(-1, *[1] * (ndim - 2))
    return graph.add("Add", x, graph.weight(biases, "b"))


def _pool(graph, layer, x):
    end = layer.pad
    if not layer.ignore_border:  # windows that begin within the image reach over it
        if None in layer.input_shape[2:]:
            raise ExportError("the size of its images varies")
        sizes = zip(
            layer.input_shape[2:],
            layer.output_shape[2:],
            layer.stride,
            layer.pool_size,
            layer.pad,
            strict=True,
        )
        end = [
            max(0, (n_out - 1) * stride + size - n_in - pad)
            for n_in, n_out, stride, size, pad in sizes
        ]
    attributes = dict(
        kernel_shape=[*layer.pool_size],
        strides=[*layer.stride],
        pads=[*map(int, [*layer.pad, *end])],
    )
    if layer.mode == "max":
        return graph.add("MaxPool", x, **attributes)
    including = {"average_inc_pad": 1, "average_exc_pad": 0}
    # At the border, the two count differently.
    if layer.mode not in including or not layer.ignore_border:
        raise ExportError(f"mode={layer.mode!r}, ignore_border={layer.ignore_border}")
    attributes["count_include_pad"] = including[layer.mode]
    return graph.add("AveragePool", x, **attributes)


def _global_pool(graph, layer, x):
    operators = {T.mean: "ReduceMean", T.max: "ReduceMax"}
    if layer.pool_function not in operators:
        raise ExportError("pool_function is neither the mean nor the maximum")
    axes = [*range(2, len(layer.input_shape))]
    return graph.add(operators[layer.pool_function], x, axes=axes, keepdims=0)


def _pad(graph, layer, x):
    if not np.isscalar(layer.val):
        raise ExportError("val is not a number")
    width = layer.width
    inner = len(layer.input_shape) - layer.batch_ndim
    if isinstance(width, int):
        width = [width] * inner
    pairs = [(w, w) if isinstance(w, int) else tuple(w) for w in width]
    pairs = [(0, 0)] * layer.batch_ndim + pairs
    begin, end = zip(*pairs, strict=True)
    pads = graph.constant(np.array([*begin, *end], np.int64), "pads")
    return graph.add("Pad", x, pads, graph.constant(np.float32(layer.val)))


def _flatten(graph, layer, x):
    sizes = layer.output_shape[1:]
    # Of no image, ONNX cannot tell an unknown size but that of the batch.
    shape = [0] * len(sizes) + [-1] if None in sizes else [-1, *sizes]
    return graph.add("Reshape", x, graph.constant(np.array(shape, np.int64), "shape"))


def _batch_norm(graph, layer, x):
    scale = graph.read(layer.inv_std).astype(np.float64)
    if layer.gamma is not None:
        scale = scale * graph.read(layer.gamma)
    shift = -graph.read(layer.mean) * scale
    if layer.beta is not None:
        shift = shift + graph.read(layer.beta)
    x = graph.add("Mul", x, graph.weight(_spread(layer, scale, layer.axes), "scale"))
    return graph.add("Add", x, graph.weight(_spread(layer, shift, layer.axes), "shift"))


def _spread(layer, values, axes):
    """Return values of a layer with an axis of 1 for each of `axes`."""
    return np.expand_dims(values, tuple(axes))


def _scale(graph, layer, x):
    values = _spread(layer, graph.read(layer.scales), layer.shared_axes)
    return graph.add("Mul", x, graph.weight(values, "scales"))


def _bias(graph, layer, x):
    if layer.b is None:
        return x
    values = _spread(layer, graph.read(layer.b), layer.shared_axes)
    return graph.add("Add", x, graph.weight(values, "b"))


def _parametric_rectifier(graph, layer, x):
    values = _spread(layer, graph.read(layer.alpha), layer.shared_axes)[0]
    return graph.add("PRelu", x, graph.weight(values, "alpha"))


def _concat(graph, layer, *xs):
    if layer.cropping is not None:
        raise ExportError("cropping is not None")
    return graph.add("Concat", *xs, axis=layer.axis)


def _sum(graph, layer, *xs):
    if {*layer.coeffs} != {1} or layer.cropping is not None:
        raise ExportError("it has coefficients, or crops its inputs")
    return graph.add("Sum", *xs)


def _nonlinearity_layer(graph, layer, x):
    return _nonlinear(graph, layer, x)


_PLAIN = {
    T.tanh: ("Tanh", {}),
    T.nnet.sigmoid: ("Sigmoid", {}),
    T.nnet.relu: ("Relu", {}),
    T.nnet.softplus: ("Softplus", {}),
    nonlinearities.rectify: ("Relu", {}),
    nonlinearities.sigmoid: ("Sigmoid", {}),
    nonlinearities.tanh: ("Tanh", {}),
    nonlinearities.softplus: ("Softplus", {}),
    nonlinearities.elu: ("Elu", {}),
    nonlinearities.softmax: ("Softmax", {"axis": 1}),
}


def _nonlinear(graph, layer, x):
    """Add the nonlinearity of a layer."""
    function = layer.nonlinearity
    if function is None or function is nonlinearities.linear:
        return x
    if isinstance(function, nonlinearities.LeakyRectify):
        return graph.add("LeakyRelu", x, alpha=float(function.leakiness))
    if isinstance(function, nonlinearities.ScaledTanH):
        factors = function.scale_in, function.scale_out
        scale_in, scale_out = (graph.constant(np.float32(f)) for f in factors)
        x = graph.add("Tanh", graph.add("Mul", x, scale_in))
        return graph.add("Mul", x, scale_out)
    for plain, (operator, attributes) in _PLAIN.items():
        if function is plain:
            return graph.add(operator, x, **attributes)
    name = getattr(function, "__name__", str(function))
    raise ExportError(f"its nonlinearity is {name}")


_CONVERSIONS = {
    layers.BatchNormLayer: _batch_norm,
    layers.BiasLayer: _bias,
    layers.ConcatLayer: _concat,
    layers.Conv2DLayer: _conv,
    layers.DenseLayer: _dense,
    layers.DropoutLayer: _same,
    layers.ElemwiseSumLayer: _sum,
    layers.FlattenLayer: _flatten,
    layers.GaussianNoiseLayer: _same,
    layers.GlobalPoolLayer: _global_pool,
    layers.MaxPool2DLayer: _pool,
    layers.NINLayer: _nin,
    layers.NonlinearityLayer: _nonlinearity_layer,
    layers.PadLayer: _pad,
    layers.ParametricRectifierLayer: _parametric_rectifier,
    layers.Pool2DLayer: _pool,
    layers.ScaleLayer: _scale,
}
