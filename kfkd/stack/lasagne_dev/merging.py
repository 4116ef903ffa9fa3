"""Layers that merge inputs of different sizes, by cropping or broadcasting."""

import theano.tensor as T
from lasagne.layers import ConcatLayer, ElemwiseMergeLayer, ElemwiseSumLayer

__all__ = ["autocrop", "autocrop_array_shapes"]


def _complete(cropping, ndims):
    """Return one crop mode for each axis; None for those without one."""
    if len(set(ndims)) > 1:
        raise ValueError(
            "Not all inputs are of the same dimensionality. Got "
            f"{len(ndims)} inputs of dimensionalities {list(ndims)}."
        )
    cropping = [*cropping, *[None] * (ndims[0] - len(cropping))]
    for mode in cropping:
        if mode not in (None, "lower", "center", "upper"):
            raise ValueError(f"Unknown crop mode {mode!r}")
    return cropping


def autocrop(inputs, cropping):
    """Crop expressions to the smallest of their sizes along each axis.

    Parameters
    ----------
    inputs : list of Theano tensors
    cropping : None, or list of {None, "lower", "center", "upper"}
        Which part of each axis to keep.  None, and axes after the list, do not crop.

    Returns
    -------
    list of Theano tensors
    """
    if cropping is None:
        return inputs
    places = [[] for _ in inputs]
    for axis, mode in enumerate(_complete(cropping, [x.ndim for x in inputs])):
        size = T.min(T.stack([x.shape[axis] for x in inputs]))
        for x, place in zip(inputs, places, strict=True):
            if mode is None:
                place.append(slice(None))
                continue
            spare = x.shape[axis] - size
            start = {"lower": 0, "center": spare // 2, "upper": spare}[mode]
            place.append(slice(start, start + size))
    return [x[tuple(place)] for x, place in zip(inputs, places, strict=True)]


def autocrop_array_shapes(input_shapes, cropping):
    """Return the shapes that `autocrop` gives to expressions of these shapes."""
    if cropping is None:
        return input_shapes
    cropping = _complete(cropping, [len(shape) for shape in input_shapes])
    axes = []
    for sizes, mode in zip(zip(*input_shapes, strict=True), cropping, strict=True):
        if mode is not None:
            smallest = None if None in sizes else min(sizes)
            sizes = [smallest] * len(sizes)
        axes.append(sizes)
    return [tuple(shape) for shape in zip(*axes, strict=True)]


def _concatenated_shape(shapes, axis):
    """Return the shape of a concatenation; unknown sizes are None."""
    if len({len(shape) for shape in shapes}) > 1:
        raise ValueError(f"Mismatch: cannot concatenate {shapes}")
    output = []
    for place, sizes in enumerate(zip(*shapes, strict=True)):
        known = set(sizes) - {None}
        if place == axis % len(shapes[0]):
            output.append(None if None in sizes else sum(sizes))
        elif len(known) > 1:
            raise ValueError(
                "Mismatch: input shapes must be the same except in the concatenation "
                f"axis, not {shapes}"
            )
        else:
            output.append(known.pop() if known else None)
    return tuple(output)


def _broadcast_size(sizes):
    """Return the size of an axis after broadcasting, or None if it is unknown."""
    known = set(sizes) - {1, None}
    if len(known) > 1:
        raise ValueError("Mismatch: not all input shapes are the same")
    if known:
        return known.pop()
    return None if None in sizes else 1


def _patch_concat():
    initialize = ConcatLayer.__init__

    def __init__(self, incomings, axis=1, cropping=None, **kwargs):
        initialize(self, incomings, axis, **kwargs)
        if cropping is not None:
            cropping = list(cropping)
            if axis < len(cropping):
                cropping[axis] = None
        self.cropping = cropping

    def get_output_shape_for(self, input_shapes):
        shapes = autocrop_array_shapes(input_shapes, self.cropping)
        return _concatenated_shape(shapes, self.axis)

    def get_output_for(self, inputs, **kwargs):
        return T.concatenate(autocrop(inputs, self.cropping), axis=self.axis)

    ConcatLayer.cropping = None  # for layers in pickles of Lasagne 0.1
    for method in (__init__, get_output_shape_for, get_output_for):
        setattr(ConcatLayer, method.__name__, method)


def _patch_elemwise():
    initialize = ElemwiseMergeLayer.__init__
    merge = ElemwiseMergeLayer.get_output_for
    initialize_sum = ElemwiseSumLayer.__init__

    def __init__(self, incomings, merge_function, cropping=None, **kwargs):
        initialize(self, incomings, merge_function, **kwargs)
        self.cropping = cropping

    def get_output_shape_for(self, input_shapes):
        shapes = autocrop_array_shapes(input_shapes, self.cropping)
        if len({len(shape) for shape in shapes}) > 1:
            raise ValueError(
                "Mismatch: not all input shapes are the same: Input dimensions must be "
                f"the same but were {', '.join(map(str, shapes))}"
            )
        return tuple(map(_broadcast_size, zip(*shapes, strict=True)))

    def get_output_for(self, inputs, **kwargs):
        inputs = autocrop(inputs, self.cropping)
        # Custom incoming layers may not know their shapes.
        if all(isinstance(shape, tuple) for shape in self.input_shapes):
            shapes = autocrop_array_shapes(self.input_shapes, self.cropping)
            output = self.get_output_shape_for(self.input_shapes)
            inputs = [
                T.addbroadcast(
                    x, *(a for a, n in enumerate(s) if n == 1 and output[a] != 1)
                )
                for x, s in zip(inputs, shapes, strict=True)
            ]
        return merge(self, inputs, **kwargs)

    def init_sum(self, incomings, coeffs=1, cropping=None, **kwargs):
        initialize_sum(self, incomings, coeffs, cropping=cropping, **kwargs)

    ElemwiseMergeLayer.cropping = None
    for method in (__init__, get_output_shape_for, get_output_for):
        setattr(ElemwiseMergeLayer, method.__name__, method)
    ElemwiseSumLayer.__init__ = init_sum


def patch():
    """Add the option `cropping` to the layers that merge; let sizes of 1 broadcast."""
    _patch_concat()
    _patch_elemwise()
