"""Data augmentation: batches with half of their images flipped."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from nolearn.lasagne import BatchIterator

from kfkd.data import COLUMNS, check_cols
from kfkd.errors import ArgumentError

__all__ = ["FlipBatchIterator", "flip_pairs"]


def flip_pairs(columns: Sequence[str] = COLUMNS) -> list[tuple[int, int]]:
    """Return the pairs of target columns that are exchanged when a face is mirrored.

    Parameters
    ----------
    columns : sequence of str
        Names of target columns, such as ``left_eye_center_x``.

    Returns
    -------
    list of (int, int)
        Positions of a left column and of its right counterpart, in the order of the
        columns.

    Raises
    ------
    ArgumentError
        Only one of the two is among the columns, so that its value in the mirrored
        face is unknown; or a column is unknown.

    Notes
    -----
    ``flip_indices`` of the tutorial's section "Data augmentation", which is written by
    hand there.
    """
    columns = check_cols(columns)
    position = {name: i for i, name in enumerate(columns)}
    pairs = []
    for name, i in position.items():
        sides = ("left", "right") if "left" in name else ("right", "left")
        other = name.replace(*sides)
        if other not in position:
            raise ArgumentError(
                f"{name!r} is among the columns, but {other!r} is not; images of faces "
                "can only be flipped when both are"
            )
        if i < position[other]:
            pairs.append((i, position[other]))
    return pairs


class FlipBatchIterator(BatchIterator):
    """Flip a random half of the images of each batch horizontally.

    Parameters
    ----------
    batch_size : int
    shuffle : bool, default=False
        As in nolearn's BatchIterator.
    seed : int, default=42
        Seed of the choice of images.
    flip_indices : list of (int, int), optional
        Pairs of target columns that are exchanged; by default those that a subclass
        has as an attribute, or else those of all 30 (`flip_pairs`).

    Notes
    -----
    The tutorial's section "Data augmentation". Two things differ: batches are copied,
    where the original changes the training data that they are views of; and the choice
    is drawn from the iterator's own generator, so that a seed repeats it.

    As in the tutorial, x in [-1, 1] becomes -x, which is 96 - x in pixels. That agrees
    with pixel column c, which covers c to c + 1, becoming column 95 - c.
    """

    def __init__(
        self,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 42,
        flip_indices: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        super().__init__(batch_size, shuffle, seed)
        if flip_indices is not None:
            self.flip_indices = flip_indices
        elif not hasattr(self, "flip_indices"):  # as a class may have them
            self.flip_indices = flip_pairs()

    def transform(self, Xb: Any, yb: Any) -> tuple[Any, Any]:
        """Return copies of a batch with half of its faces mirrored.

        Parameters
        ----------
        Xb : array, shape (n, 1, height, width)
        yb : array, shape (n, 2 * k), or None
            Coordinates in [-1, 1], x and y in turn.  Labels of classes, of shape (n,),
            stay as they are.

        Returns
        -------
        Xb, yb

        Raises
        ------
        ArgumentError
            `Xb` does not hold images, or `yb` has fewer columns than `flip_indices`
            names.
        """
        Xb, yb = super().transform(Xb, yb)
        return self.apply((Xb, yb), self.draw(len(Xb)))

    def draw(self, n: int) -> npt.NDArray[np.bool_]:
        """Return a boolean array that is true for a random half of `n` faces."""
        flipped = np.zeros(n, dtype=bool)
        flipped[self.random.choice(n, n // 2, replace=False)] = True
        return flipped

    def apply(self, batch: tuple[Any, Any], flipped: Any) -> tuple[Any, Any]:
        """Return copies of a batch with the chosen faces mirrored.

        Parameters
        ----------
        batch : (Xb, yb)
            As for `transform`; arrays of NumPy, or of JAX, which may be traced.
        flipped : boolean array, shape (n,)

        Returns
        -------
        Xb, yb
        """
        Xb, yb = batch
        self._check(Xb, yb)
        numpy = np if isinstance(Xb, np.ndarray) else jnp
        Xb = numpy.where(flipped[:, None, None, None], Xb[..., ::-1], Xb)
        if yb is not None and yb.ndim > 1:
            k = yb.shape[1]
            sign = np.where(np.arange(k) % 2 == 0, -1, 1).astype(yb.dtype)
            source = np.arange(k)
            for a, b in self.flip_indices:
                source[[a, b]] = source[[b, a]]
            yb = numpy.where(flipped[:, None], (yb * sign)[:, source], yb)
        return Xb, yb

    def _check(self, Xb, yb):
        if Xb.ndim != 4:
            raise ArgumentError(
                f"a batch of shape {Xb.shape} cannot be flipped: images of shape (n, "
                "1, height, width) are needed, which kfkd.data.load2d gives"
            )
        last = max((max(pair) for pair in self.flip_indices), default=0)
        if yb is not None and yb.ndim > 1 and last >= yb.shape[1]:
            raise ArgumentError(
                f"flip_indices names column {last}, but y has only {yb.shape[1]} "
                "columns; set flip_indices=flip_pairs(cols), with the cols that y was "
                "loaded with"
            )
