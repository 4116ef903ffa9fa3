"""What the page asks for: the faces in an image, and their points by each net."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from kfkd.data import SIDE
from kfkd.errors import ArgumentError, PredictionError, StateError
from kfkd.messages import hint, shown
from kfkd.plots.photos import PARTS
from kfkd.prediction.crops import Box, Face, crop_face
from kfkd.prediction.image_files import decode_image
from kfkd.prediction.photographs import BOX_COLUMNS, cut_faces, predict_faces
from kfkd.training import provenance

__all__ = ["Predictor"]

# Pixels of an image, of which each takes four bytes or more while it is looked at.
MOST_PIXELS = 100_000_000

_NAME = "the file"  # in messages


class Predictor:
    """Nets that predict images, one at a time.

    Parameters
    ----------
    nets : mapping of str to nets
        As from ``kfkd.storage.load``, by the names that the page shows.
    """

    def __init__(self, nets: Mapping[str, Any]):
        self.nets = dict(nets)
        # So that images take the memory, and the cores, of one.
        self._one = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Refuse images from now on, those that wait included."""
        self._closed = True

    def about(self) -> dict[str, Any]:
        """Return what the page shows of the nets, and how it draws faces."""
        return {
            "nets": [
                {
                    "name": name,
                    "trained_on": provenance.describe(net),
                    "drawn": provenance.is_of_drawn_faces(net),
                }
                for name, net in self.nets.items()
            ],
            "parts": [
                {"name": name, "colour": colour, "lines": lines}
                for name, (colour, lines) in PARTS.items()
            ],
        }

    def predict(
        self, content: bytes, names: Sequence[str] = (), *, detect: bool = True
    ) -> dict[str, Any]:
        """Find faces in an image, and predict their points.

        Parameters
        ----------
        content : bytes
            Of an image file.
        names : sequence of str
            Of the nets; by default all.
        detect : bool, default=True
            If false, the largest square in the middle is taken for a face.

        Returns
        -------
        dict
            ``width`` and ``height`` in pixels; ``boxes``, of each face left, top, width
            and height; ``points``, for each net and face x and y by name; ``ms``, how
            long ``faces`` and each net have taken.

        Raises
        ------
        DataError
            It is not an image, or too large or too small.
        ArgumentError
            There is no such net.
        StateError
            The predictor has been closed.
        """
        for name in names:
            if name not in self.nets:
                near = hint(name, self.nets)
                raise ArgumentError(f"there is no net {shown(name)}{near}")
        with self._one:
            if self._closed:
                raise StateError("the program that shows this page is ending")
            image = decode_image(content, _NAME, most_pixels=MOST_PIXELS)
            began = time.perf_counter()
            faces = cut_faces(image, _NAME, detect=detect)
            times = {"faces": _milliseconds(began)}
            points = {}
            for name in names or self.nets:
                began = time.perf_counter()
                points[name] = _predict(self.nets[name], faces)
                times[name] = _milliseconds(began)
        return {
            "width": image.width,
            "height": image.height,
            "boxes": [[round(v, 2) for v in face.box] for face in faces],
            "points": points,
            "ms": times,
        }

    def warm_up(self) -> None:
        """Compile what the first image would have to wait for.

        Raises
        ------
        PredictionError
            A net, which is named, cannot predict key points.
        """
        faces = [crop_face(Image.new("L", (SIDE, SIDE)), Box(0, 0, SIDE, SIDE))]
        for name, net in self.nets.items():
            try:
                _predict(net, faces)
            except PredictionError as error:
                raise PredictionError(f"{name}: {error}") from error


def _milliseconds(began):
    return round(1000 * (time.perf_counter() - began), 1)


def _predict(net, faces: Sequence[Face]):
    """Return the points of each face, by name."""
    if not faces:
        return []
    table = predict_faces(net, {"image": faces}).drop(columns=[*BOX_COLUMNS])
    names = [name.removesuffix("_x") for name in table if name.endswith("_x")]
    return [
        {
            name: [round(float(row[f"{name}_x"]), 2), round(float(row[f"{name}_y"]), 2)]
            for name in names
        }
        for _, row in table.iterrows()
    ]
