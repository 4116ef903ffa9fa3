"""Faces in photographs, found by a detector that comes with OpenCV.

It is the cascade ``haarcascade_frontalface_alt2``. Its boxes are the crops of the
competition's images, but for some 2 %, which is less than they scatter by:
``benchmarks/README.md``, section "Faces", has the figures.

Viola and Jones, "Robust real-time face detection", 2004; Lienhart and Maydt, 2002.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from kfkd.errors import StackError
from kfkd.prediction.crops import Box
from kfkd.process.installation import install

__all__ = ["find_faces"]

_CASCADE = "haarcascade_frontalface_alt2.xml"
# A face that reaches the edges is found if there is something around it: a share of
# the image's shorter side, in which the outermost pixels are repeated.
_MARGIN = 0.25
# The detector's view of an image, in pixels: small ones are enlarged, as faces need
# some 40, and large ones reduced, as the time grows with them.
_SHORTEST, _LONGEST = 192, 1600
_SMALLEST = 24  # face in the view
# Each size of the search is this many times the one before, and so many detections of
# the same face are wanted: fewer find little more, and more of what is not a face.
_STEP, _NEIGHBORS = 1.1, 4


def find_faces(image: Image.Image) -> list[Box]:
    """Find the faces that look into the camera.

    Parameters
    ----------
    image : PIL.Image.Image
        Of any size and mode, upright, as from ``image_files.open_image``.

    Returns
    -------
    list of Box
        Squares, in pixels of the image, from left to right. They may reach a little
        over its edges. Faces of less than some 2 % of the image's longer side, turned
        to the side or upside down are not found.

    Raises
    ------
    StackError
        OpenCV is not installed, or an OpenCV that has no cascades.
    """
    detector = _make_detector()
    view, scale, margin = _view(image)
    found, votes = detector.detectMultiScale2(
        view, _STEP, _NEIGHBORS, minSize=(_SMALLEST, _SMALLEST)
    )
    found = np.asarray(found, np.float64).reshape(-1, 4) / scale
    found[:, :2] -= margin
    order = np.argsort(-np.ravel(votes), kind="stable")
    return sorted(_apart([Box(*box) for box in found[order].tolist()]))


def _view(image):
    """Return what the detector sees, how much larger it is, and its margin."""
    margin = round(_MARGIN * min(image.size))
    width, height = (side + 2 * margin for side in image.size)
    scale = max(1.0, _SHORTEST / min(width, height))
    scale = min(scale, _LONGEST / max(width, height))
    grey = image.convert("L")
    size = [max(1, round(side * scale)) for side in grey.size]
    scaled = np.asarray(grey.resize(size, Image.Resampling.BICUBIC, reducing_gap=2))
    view = np.pad(scaled, round(margin * scale), mode="edge")
    return view, scale, margin


def _apart(boxes):
    """Return the boxes whose middles are not shared with one of those before."""
    kept = []
    for box in boxes:
        if not any(_holds(box, other) or _holds(other, box) for other in kept):
            kept.append(box)
    return kept


def _holds(box, other):
    """Return whether a box has the middle of another in it."""
    x, y = other.left + other.width / 2, other.top + other.height / 2
    return 0 < x - box.left < box.width and 0 < y - box.top < box.height


def _make_detector():
    """Return a new detector: one cannot be used by two threads at a time."""
    try:
        import cv2
    except ImportError as error:
        raise StackError(
            f"Finding faces needs OpenCV, which is not there ({error}): install it "
            f"with {install(extra='photos')}"
        ) from error
    path = Path(cv2.__file__).with_name("data") / _CASCADE
    if not hasattr(cv2, "CascadeClassifier") or not path.is_file():
        raise StackError(
            f"OpenCV {cv2.__version__} comes without the detector of faces: install "
            f"another with {install(extra='photos')}"
        )
    return cv2.CascadeClassifier(str(path))
