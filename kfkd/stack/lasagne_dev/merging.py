"""Merging of layers whose sizes differ, by cropping or broadcasting."""

import theano.tensor as T
from lasagne.layers import ConcatLayer, ElemwiseMergeLayer, ElemwiseSumLayer

__all__ = ["autocrop", "autocrop_array_shapes"]


def _padded(cropping, ndims):
    """Return a mode of cropping for each axis."""
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
    """Crop expressions to the smallest size that one of them has.

    Parameters
    ----------
    inputs : list of Theano tensors
    cropping : None, or list of {None, "lower", "center", "upper"}
        For each axis what remains, or that it is left alone; axes that are missing are.

    Returns
    -------
    list of Theano tensors
    """
    if cropping is None:
        return inputs
    places = [[] for _ in inputs]
    for axis, mode in enumerate(_padded(cropping, [x.ndim for x in inputs])):
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
    """Return the shapes that expressions of these shapes have after `autocrop`."""
    if cropping is None:
        return input_shapes
    cropping = _padded(cropping, [len(shape) for shape in input_shapes])
    axes = []
    for sizes, mode in zip(zip(*input_shapes, strict=True), cropping, strict=True):
        if mode is not None:
            smallest = None if None in sizes else min(sizes)
            sizes = [smallest] * len(sizes)
        axes.append(sizes)
    return [tuple(shape) for shape in zip(*axes, strict=True)]


def _merged(sizes):
    """Return the size of an axis: those that are known and not 1 must be equal."""
    known = {size for size in sizes if size is not None}
    if len(known - {1}) > 1:
        raise ValueError("Mismatch: not all input shapes are the same")
    if known - {1}:
        return max(known)
    return 1 if None not in sizes and known else None


def patch():
    """Give the layers that merge others the option `cropping`, and broadcast."""
    initialize_concat = ConcatLayer.__init__
    get_concat = ConcatLayer.get_output_for
    initialize_merge = ElemwiseMergeLayer.__init__
    merge = ElemwiseMergeLayer.get_output_for

    def init_concat(self, incomings, axis=1, cropping=None, **kwargs):
        initialize_concat(self, incomings, axis, **kwargs)
        if cropping is not None:
            cropping = list(cropping)
            if axis < len(cropping):
                cropping[axis] = None
        self.cropping = cropping

    def get_concat_shape_for(self, input_shapes):
        shapes = autocrop_array_shapes(input_shapes, vars(self).get("cropping"))
        if len({len(shape) for shape in shapes}) > 1:
            raise ValueError(f"Mismatch: cannot concatenate {shapes}")
        axis = self.axis % len(shapes[0])
        merged = []
        for place, sizes in enumerate(zip(*shapes, strict=True)):
            known = {size for size in sizes if size is not None}
            if place == axis:
                merged.append(None if None in sizes else sum(sizes))
            elif len(known) > 1:
                raise ValueError(
                    "Mismatch: input shapes must be the same except in the "
                    f"concatenation axis, not {shapes}"
                )
            else:
                merged.append(known.pop() if known else None)
        return tuple(merged)

    def get_cropped_concat_for(self, inputs, **kwargs):
        return get_concat(self, autocrop(inputs, vars(self).get("cropping")), **kwargs)

    def init_merge(self, incomings, merge_function, cropping=None, **kwargs):
        initialize_merge(self, incomings, merge_function, **kwargs)
        self.cropping = cropping

    def get_merged_shape_for(self, input_shapes):
        shapes = autocrop_array_shapes(input_shapes, vars(self).get("cropping"))
        if len({len(shape) for shape in shapes}) > 1:
            raise ValueError(
                "Mismatch: not all input shapes are the same: Input dimensions must be "
                f"the same but were {', '.join(map(str, shapes))}"
            )
        return tuple(_merged(sizes) for sizes in zip(*shapes, strict=True))

    def merge_cropped(self, inputs, **kwargs):
        cropping = vars(self).get("cropping")
        inputs = autocrop(inputs, cropping)
        # Incoming layers of a program's own need not know their shapes.
        if not all(isinstance(shape, tuple) for shape in self.input_shapes):
            return merge(self, inputs, **kwargs)
        shapes = autocrop_array_shapes(self.input_shapes, cropping)
        output = self.get_output_shape_for(self.input_shapes)
        inputs = [
            T.addbroadcast(x, *(a for a, n in enumerate(shape) if n == 1 != output[a]))
            for x, shape in zip(inputs, shapes, strict=True)
        ]
        return merge(self, inputs, **kwargs)

    initialize_sum = ElemwiseSumLayer.__init__

    def init_sum(self, incomings, coeffs=1, cropping=None, **kwargs):
        initialize_sum(self, incomings, coeffs, cropping=cropping, **kwargs)

    ConcatLayer.__init__ = init_concat
    ConcatLayer.get_output_shape_for = get_concat_shape_for
    ConcatLayer.get_output_for = get_cropped_concat_for
    ElemwiseMergeLayer.__init__ = init_merge
    ElemwiseMergeLayer.get_output_shape_for = get_merged_shape_for
    ElemwiseMergeLayer.get_output_for = merge_cropped
    ElemwiseSumLayer.__init__ = init_sum
