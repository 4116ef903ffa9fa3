"""Unknown sizes in the shapes of FlattenLayer, PadLayer and SliceLayer."""

from lasagne.layers import FlattenLayer, PadLayer, SliceLayer

from kfkd.stack.lasagne_dev.integers import Integer

__all__ = []


def patch():
    """Accept None as a size of the input."""
    flatten = FlattenLayer.get_output_shape_for
    slice_ = SliceLayer.get_output_shape_for

    def get_flat_shape_for(self, input_shape):
        rest = input_shape[self.outdim - 1 :]
        if any(size is None for size in rest):
            return (*input_shape[: self.outdim - 1], None)
        return flatten(self, input_shape)

    def get_padded_shape_for(self, input_shape):
        leading, padded = input_shape[: self.batch_ndim], input_shape[self.batch_ndim :]
        widths = self.width
        if isinstance(widths, Integer):
            widths = [widths] * len(padded)
        widths = [(w, w) if isinstance(w, Integer) else w for w in widths]
        # Axes without a width stay as they are.
        widths += [(0, 0)] * (len(padded) - len(widths))
        return leading + tuple(
            None if size is None else size + before + after
            for size, (before, after) in zip(padded, widths, strict=True)
        )

    def get_slice_shape_for(self, input_shape):
        if isinstance(self.slice, Integer) or input_shape[self.axis] is not None:
            return slice_(self, input_shape)
        shape = list(input_shape)
        shape[self.axis] = None
        return tuple(shape)

    FlattenLayer.get_output_shape_for = get_flat_shape_for
    PadLayer.get_output_shape_for = get_padded_shape_for
    SliceLayer.get_output_shape_for = get_slice_shape_for
