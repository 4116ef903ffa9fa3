"""Data augmentation: batches of flipped, turned, scaled and shifted images."""

import numbers
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from nolearn.lasagne import BatchIterator

from kfkd import affine
from kfkd.arguments import check
from kfkd.errors import ArgumentError
from kfkd.mirrored import flip_pairs, mirror_points, sources

__all__ = ["AffineBatchIterator", "FlipBatchIterator", "flip_pairs"]


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
            mirrored = mirror_points(yb, self.flip_indices)
            yb = numpy.where(flipped[:, None], mirrored, yb)
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


class AffineBatchIterator(FlipBatchIterator):
    """Turn, scale, shift, flip, lighten and darken each image by random amounts.

    The key points move with the image.  Those that leave it are missing from then on,
    so that the net needs a loss that leaves missing labels out, such as
    ``objective_loss_function=kfkd.objectives.masked_squared_error``.

    Parameters
    ----------
    batch_size : int
    shuffle : bool, default=False
        As in nolearn's BatchIterator.
    seed : int, default=42
        Seed of all random choices.
    flip_indices : list of (int, int), optional
        As in `FlipBatchIterator`.
    rotation : float, default=12
        The largest angle, in degrees, about the middle of the image.
    scale : float, default=0.12
        The size of the face is multiplied by 1 - `scale` to 1 + `scale`.
    shift : float, default=0.12
        The largest shift in x and in y, as a share of the image's width and height.
    brightness : float, default=0.1
        Grey values change by up to so much, of the range from 0 to 1.
    contrast : float, default=0.2
        Their distance from 0.5 is multiplied by 1 - `contrast` to 1 + `contrast`.
    flip : bool, default=True
        Whether to mirror images, each with a chance of one half.

    Notes
    -----
    All amounts are drawn uniformly.  Grey values are interpolated linearly, see
    `kfkd.affine`.  What the tutorial's section "Data augmentation" suggests beyond
    flipping.
    """

    makes_missing = True  # `kfkd.training.inputs` wants a loss that allows for it

    def __init__(
        self,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 42,
        flip_indices: Sequence[tuple[int, int]] | None = None,
        *,
        rotation: float = 12,
        scale: float = 0.12,
        shift: float = 0.12,
        brightness: float = 0.1,
        contrast: float = 0.2,
        flip: bool = True,
    ) -> None:
        super().__init__(batch_size, shuffle, seed, flip_indices)
        for name, value, below in (
            ("rotation", rotation, np.inf),
            ("scale", scale, 1),
            ("shift", shift, np.inf),
            ("brightness", brightness, np.inf),
            ("contrast", contrast, np.inf),
        ):
            is_valid = isinstance(value, numbers.Real) and 0 <= value < below
            wanted = "a finite number, 0 or more" if below > 1 else "from 0 to below 1"
            check(name, value, is_valid, wanted)
        self.rotation, self.scale, self.shift = rotation, scale, shift
        self.brightness, self.contrast, self.flip = brightness, contrast, flip

    def draw(self, n: int) -> npt.NDArray[np.float32]:  # type: ignore[override]
        """Return random `kfkd.affine.PARAMETERS` of maps of `n` images."""
        spread = {
            "rotation": np.radians(self.rotation),
            "scale": self.scale,
            "shift_x": self.shift,
            "shift_y": self.shift,
            "brightness": self.brightness,
            "contrast": self.contrast,
        }
        widths = np.array([spread.get(name, 0) for name in affine.PARAMETERS])
        drawn = self.random.uniform(-1, 1, (n, len(widths)))
        maps = dict(zip(affine.PARAMETERS, (drawn * widths).T, strict=True))
        maps["scale"] += 1
        maps["contrast"] += 1
        at = affine.PARAMETERS.index("flipped")
        maps["flipped"] = (drawn[:, at] > 0) & bool(self.flip)
        return np.stack([*maps.values()], axis=1).astype(np.float32)

    def apply(self, batch: tuple[Any, Any], maps: Any) -> tuple[Any, Any]:
        """Return a batch with each face mapped in its own way.

        Parameters
        ----------
        batch : (Xb, yb)
            As for `transform`; arrays of NumPy, or of JAX, which may be traced.
        maps : float32 array, shape (n, len(kfkd.affine.PARAMETERS))

        Returns
        -------
        Xb, yb
            `yb` is NaN where a point has left the image.
        """
        Xb, yb = batch
        self._check(Xb, yb)
        has_points = yb is not None and yb.ndim > 1
        if has_points and yb.shape[1] % 2:
            raise ArgumentError(
                f"y has {yb.shape[1]} columns; the points that move with the images "
                "need pairs of x and y"
            )
        columns = sources(yb.shape[1], self.flip_indices) if has_points else None
        if not isinstance(Xb, np.ndarray):
            return _mapped(Xb, yb, maps, columns)
        with jax.default_device(_host()):
            Xb, points = _mapped_on_host(Xb, yb if has_points else None, maps, columns)
        return np.asarray(Xb), np.asarray(points) if has_points else yb


def _host():
    """Return the CPU, or None where JAX has GPUs alone: then the first of these."""
    try:
        return jax.devices("cpu")[0]
    except RuntimeError:
        return None


def _mapped(Xb, yb, maps, columns):
    if columns is not None:
        yb = affine.map_points(yb, maps, Xb.shape[2:], columns)
    return affine.map_images(Xb, maps), yb


_mapped_on_host = jax.jit(_mapped)
