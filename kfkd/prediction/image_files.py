"""Image files: finding them, and opening those of any kind of colour."""

import glob
import io
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from kfkd.arguments import as_path
from kfkd.choices import IMAGE_ENDINGS
from kfkd.errors import ArgumentError, DataError

__all__ = ["decode_image", "find_images", "open_image"]


def find_images(paths: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Return the image files that paths name.

    Parameters
    ----------
    paths : sequence of path
        Image files; folders, of which all files with the ending of an image are meant,
        but for hidden ones and those in folders within; or patterns such as
        ``"photos/*.jpg"``.

    Returns
    -------
    list of pathlib.Path
        In the order of `paths`, each once, those of a folder or pattern by their
        names. A file that is not there is among them, if it is named.

    Raises
    ------
    DataError
        A folder has no images, or a pattern fits no file.
    """
    found: list[Path] = []
    for path in map(as_path, paths):
        if path.is_dir():
            files = [
                file
                for file in sorted(path.iterdir())
                if file.suffix.lower() in IMAGE_ENDINGS
                and not file.name.startswith(".")
                and file.is_file()
            ]
            if not files:
                raise DataError(
                    f"{path} has no images: no file in it ends in "
                    f"{', '.join(IMAGE_ENDINGS)}"
                )
        elif glob.has_magic(str(path)) and not path.exists():
            files = [*map(Path, sorted(glob.glob(str(path), recursive=True)))]
            files = [file for file in files if not file.is_dir()]
            if not files:
                raise DataError(f"no file is called {path}")
        else:
            files = [path]
        found += files
    return [*dict.fromkeys(found)]


def decode_image(
    content: bytes, name: str = "the image", most_pixels: int | None = None
) -> Image.Image:
    """Decode the content of an image file as `open_image` does.

    Parameters
    ----------
    content : bytes
    name : str, default="the image"
        What it is called in errors.
    most_pixels : int, optional
        Refuse larger images, before they take memory.

    Returns
    -------
    PIL.Image.Image

    Raises
    ------
    DataError
        As for `open_image`, or it has more than `most_pixels`.
    """
    return _decode(io.BytesIO(content), name, most_pixels)


def open_image(path: str | os.PathLike[str]) -> Image.Image:
    """Open an image file as a viewer shows it.

    Parameters
    ----------
    path : path
        Any file that Pillow reads; of several pages, the first is used.

    Returns
    -------
    PIL.Image.Image
        In mode L or RGB, turned upright as its EXIF data say, with transparent parts
        on white. 16-bit grey values are reduced to 8 bits.

    Raises
    ------
    DataError
        There is no such file, or it cannot be read as an image.
    """
    path = as_path(path)
    return _decode(path, path, None)


def _decode(source, name, most_pixels):
    try:
        with warnings.catch_warnings():
            # The warning is of a large image; one twice as large is an error.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(source) as file:
                if most_pixels and file.width * file.height > most_pixels:
                    raise _too_large(name, most_pixels)
                file.load()
                ImageOps.exif_transpose(file, in_place=True)  # copies take memory
                return _flat(file)
    except Image.DecompressionBombError as error:
        most = 2 * Image.MAX_IMAGE_PIXELS
        raise _too_large(name, min(most, most_pixels or most)) from error
    except DataError:
        raise
    except Image.UnidentifiedImageError as error:
        raise DataError(
            f"{name} is not an image of a known format, such as JPEG or PNG"
        ) from error
    # Pillow's readers raise many kinds of errors for damaged files.
    except Exception as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{name} cannot be read as an image: {reason}") from error


def _too_large(name, most):
    return DataError(
        f"{name} is too large: it has more than {most:,} pixels; save it smaller, or "
        "crop it to the face"
    )


def _flat(image):
    """Convert an image of any mode to mode L or RGB."""
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.float64) / 257
        return Image.fromarray(np.rint(values).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ArgumentError(
            "the grey value of white is unknown for 32 bits; save it with 8 or 16 bits"
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    mode = "L" if image.mode in ("1", "L") else "RGB"
    return image if image.mode == mode else image.convert(mode)
