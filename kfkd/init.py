"""Initial values of parameters, beside those of ``lasagne.init``."""

from collections.abc import Sequence

import lasagne
import numpy as np
import numpy.typing as npt

from kfkd.data import ALL_COLUMNS, COLUMNS, check_cols, from_pixels
from kfkd.errors import ArgumentError

__all__ = ["AverageFace"]

# The means of Kaggle's training labels, in pixels, in the order of ALL_COLUMNS.
_PIXELS = (
    *(66.4, 37.7, 30.3, 38.0, 59.2, 37.9, 73.3, 37.7, 36.7, 38.0),
    *(22.4, 38.0, 56.1, 29.3, 79.5, 29.7, 39.3, 29.5, 15.9, 30.4),
    *(48.4, 62.7, 63.3, 76.0, 32.9, 76.2, 48.0, 72.9, 48.6, 79.0),
    *(66.5, 38.0, 30.6, 38.4, 48.6, 65.2, 48.8, 77.3),
)


class AverageFace(lasagne.init.Initializer):
    """The average face, for the bias of an output layer.

    A net then begins with its predictions where most faces have their points.

    Parameters
    ----------
    columns : sequence of str, optional
        The target columns of the net; by default all 30.
    """

    def __init__(self, columns: Sequence[str] | None = None) -> None:
        self.columns = check_cols(columns) or COLUMNS

    def sample(self, shape: tuple[int, ...]) -> npt.NDArray[np.floating]:
        """Return coordinates in [-1, 1], of the shape ``(len(columns),)``.

        Raises
        ------
        ArgumentError
            If another shape is asked for.
        """
        if tuple(shape) != (len(self.columns),):
            raise ArgumentError(
                f"an AverageFace of {len(self.columns)} columns cannot be the bias of "
                f"a layer with {shape[-1]} units; AverageFace(cols) with the columns "
                "that y was loaded with can"
            )
        pixels = dict(zip(ALL_COLUMNS, _PIXELS, strict=True))
        face = from_pixels([pixels[name] for name in self.columns])
        return lasagne.utils.floatX(face)
