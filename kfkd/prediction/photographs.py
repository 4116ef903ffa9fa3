"""Key points of the faces in photographs.

>>> from kfkd import storage
>>> from kfkd.prediction import photographs
>>> found = {"me.jpg": photographs.read_faces("me.jpg")}
>>> photographs.predict_faces(storage.load("net2.pickle"), found)
"""

import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from PIL import Image

from kfkd.arguments import check
from kfkd.data import PIXELS, SIDE
from kfkd.errors import ArgumentError, DataError
from kfkd.prediction.crops import Box, Face, crop_face
from kfkd.prediction.detection import find_faces
from kfkd.prediction.image_files import open_image
from kfkd.prediction.keypoints import Nets, predict

__all__ = ["BOX_COLUMNS", "SMALLEST", "cut_faces", "predict_faces", "read_faces"]

# Shortest side of what is to show a face, in pixels: a quarter of what the nets see.
SMALLEST = SIDE // 4

BOX_COLUMNS = tuple(f"box_{name}" for name in Box._fields)


def read_faces(
    path: str | os.PathLike[str],
    *,
    crop: Sequence[float] | None = None,
    detect: bool = True,
) -> list[Face]:
    """Read the faces in an image file.

    Parameters
    ----------
    path : path
        As for ``image_files.open_image``.
    crop : (left, top, width, height), optional
        Where the face is, in pixels of the upright image, instead of looking for
        faces. It should reach from above the brows to the chin, as the images of the
        competition do. If it is not square, the largest square in its middle counts.
    detect : bool, default=True
        If false, and there is no `crop`, the whole image is taken for a face: the
        largest square in its middle.

    Returns
    -------
    list of Face
        From left to right; empty if there are none.

    Raises
    ------
    DataError
        There is no such image, or it is smaller than `SMALLEST`.
    ArgumentError
        The middle of `crop` is not in the image, or it is smaller than that.
    StackError
        As for ``detection.find_faces``.
    """
    return cut_faces(open_image(path), path, crop=crop, detect=detect)


def cut_faces(
    image: Image.Image,
    path: str | os.PathLike[str],
    *,
    crop: Sequence[float] | None = None,
    detect: bool = True,
) -> list[Face]:
    """Cut the faces out of an image, as `read_faces` does; errors name the path."""
    size = f"{image.width} x {image.height} pixels"
    if min(image.size) < SMALLEST:
        raise DataError(
            f"{path} has {size}, too few to show a face; at least "
            f"{SMALLEST} x {SMALLEST} are needed"
        )
    if crop is not None:
        boxes = [Box(*crop)]
        left, top, width, height = boxes[0]
        if min(width, height) < SMALLEST:
            raise ArgumentError(
                f"a crop of {width:g} x {height:g} pixels is too small to show a face; "
                f"at least {SMALLEST} x {SMALLEST} are needed"
            )
        x, y = left + width / 2, top + height / 2
        if not (0 < x < image.width and 0 < y < image.height):
            raise ArgumentError(
                f"the middle of the crop {','.join(f'{v:g}' for v in crop)} is not in "
                f"{path}, which has {size}"
            )
    elif detect:
        boxes = find_faces(image)
    else:
        boxes = [Box(0, 0, *image.size)]
    grey = image if image.mode == "L" else image.convert("L")  # once for all of them
    return [crop_face(grey, box) for box in boxes]


def predict_faces(
    nets: Nets, found: Mapping[str, Sequence[Face]], *, mirror: bool = False
) -> pd.DataFrame:
    """Predict the key points of faces, in pixels of their images.

    Parameters
    ----------
    nets, mirror
        As for `predict`.
    found : mapping of path to sequence of Face
        The faces of each image, by its path, which ``plot_photographs`` opens.

    Returns
    -------
    pandas.DataFrame
        A row for each face. The index has the levels ``File`` and ``Face``, which is
        counted from 1 in each image. `BOX_COLUMNS` are the square that the net has
        seen; the other columns are those from `predict`.

    Raises
    ------
    PredictionError
        As for `predict`.
    ArgumentError
        `found` is not such a mapping.
    """
    is_valid = isinstance(found, Mapping) and all(
        isinstance(faces, Sequence) and all(isinstance(face, Face) for face in faces)
        for faces in found.values()
    )
    check("found", found, is_valid, "a mapping of paths to lists as of read_faces")
    places = [(name, i) for name, faces in found.items() for i in range(len(faces))]
    faces = [found[name][i] for name, i in places]
    # If there is none, another tells the columns.
    X = [face.grey for face in faces] or [np.zeros(PIXELS, np.float32)]
    table = predict(nets, np.stack(X), mirror=mirror).iloc[: len(faces)]
    for row, face in enumerate(faces):
        table.iloc[row] = face.to_own(table.iloc[row])
    names = [(os.fspath(name), i + 1) for name, i in places]
    table.index = pd.MultiIndex.from_tuples(names, names=["File", "Face"])
    boxes = pd.DataFrame(
        [face.box for face in faces], index=table.index, columns=[*BOX_COLUMNS]
    )
    return pd.concat([boxes.astype(np.float64), table], axis=1)
