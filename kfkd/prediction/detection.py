"""Faces in photographs, found by a detector that comes with OpenCV.

It is the cascade ``haarcascade_frontalface_alt2``. Its boxes are what the images of the
tutorial show: the mean key points of Kaggle's training labels fit those of photographs
in such boxes best when these are made 1 % larger and moved down by 2 %, where sizes
scatter by 10 % and positions by 4 %. Boxes are cut out as they are.
``benchmarks/detection.py`` measures all this.

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
_STEP, _NEIGHBORS = 1.1, 5


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
    found = detector.detectMultiScale(
        view, _STEP, _NEIGHBORS, minSize=(_SMALLEST, _SMALLEST)
    )
    found = np.asarray(found, np.float64).reshape(-1, 4) / scale
    found[:, :2] -= margin
    return sorted(_apart([Box(*box) for box in found.tolist()]))


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
    """Return the larger ones of boxes that lie in one another."""
    kept = []
    for box in sorted(boxes, key=lambda box: -box.width):
        x, y = box.left + box.width / 2, box.top + box.height / 2
        if not any(
            other.left < x < other.left + other.width
            and other.top < y < other.top + other.height
            for other in kept
        ):
            kept.append(box)
    return kept


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
