"""Types of arguments: numbers, times, and the paths of files."""

import argparse
import math
import pathlib

from kfkd.choices import PICTURE_FORMATS
from kfkd.messages import hint

__all__ = [
    "crop",
    "duration",
    "every",
    "file",
    "jobs",
    "one_of",
    "onnx",
    "picture",
    "points",
    "positive",
    "share",
    "table",
    "whole",
]


def _number(text, kind=float, what="a number"):
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}") from None


def _whole_number(text):
    return _number(text, int, "a whole number")


def whole(least, most=None):
    """Return a function that reads a whole number within bounds."""

    def parse(text):
        number = _whole_number(text)
        if number < least or (most is not None and number > most):
            bounds = f"at least {least}" + (f", at most {most}" if most else "")
            raise argparse.ArgumentTypeError(f"{text} is not {bounds}")
        return number

    return parse


def positive(text):
    """Read a number greater than 0."""
    return _positive(_number(text), text)


def _positive(number, text):
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not greater than 0")
    return number


def share(text):
    """Read a share from 0 to less than 1."""
    number = _number(text)
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to less than 1")
    return number


def one_of(names):
    """Return a function that reads one of some names."""

    def parse(text):
        if text in names:
            return text
        # A net's file may have been named for the net.
        near = hint(text, names) or hint(pathlib.Path(text).stem, names)
        raise argparse.ArgumentTypeError(
            f"{text!r} is not one of {', '.join(names)}{near}"
        )

    return parse


_UNITS = {"s": 1 / 60, "m": 1, "h": 60}
_CENTURY = 100 * 365 * 24 * 60  # minutes


def duration(text):
    """Read a time such as 90s, 30m or 1.5h; return minutes."""
    number, unit = text[:-1], text[-1:]
    try:
        minutes = float(number) * _UNITS[unit]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time such as 90s, 30m or 1.5h"
        ) from None
    if minutes > _CENTURY:  # which no clock of Python's can wait for
        raise argparse.ArgumentTypeError(f"{text} is longer than 100 years")
    return _positive(minutes, text)


def every(text):
    """Read when checkpoints are saved; return options of `Checkpoint`."""
    if text == "never":
        return {}
    if text.isdecimal():
        return {"epochs": whole(1)(text)}
    try:
        return {"minutes": duration(text)}
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of epochs such as 100, a time such as 90s, 5m "
            "or 1h, or never"
        ) from None


def jobs(text):
    """Read a number of jobs, which may be negative as for joblib."""
    number = _whole_number(text)
    if not number:
        raise argparse.ArgumentTypeError("0 is not a number of jobs")
    return number


def file(text):
    """Read the path of a file or folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty")
    return pathlib.Path(text)


def picture(text):
    """Read the path of a picture, in a format that can be written."""
    path = file(text)
    if path.suffix.lower() not in PICTURE_FORMATS:
        raise argparse.ArgumentTypeError(
            f"{path} ends in none of {', '.join(PICTURE_FORMATS)}"
        )
    return path


def crop(text):
    """Read the left, top, width and height of a rectangle."""
    try:
        left, top, width, height = map(float, text.split(","))
    except ValueError:
        left = top = width = height = math.nan
    if not (math.isfinite(left + top + width + height) and min(width, height) > 0):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not four numbers X,Y,W,H, of which the last two are more "
            "than 0"
        )
    return left, top, width, height


def table(text, endings=(".csv",)):
    """Read the path of a CSV table, or of a file that has one of some endings."""
    path = file(text)
    pipe = path.exists() and not path.is_file()  # or a device, or a folder
    if path.suffix.lower() not in endings and not pipe:
        raise argparse.ArgumentTypeError(
            f"{path} does not end in {' or '.join(endings)}"
        )
    return path


def onnx(text):
    """Read the path of an ONNX model."""
    return table(text, (".onnx",))


def points(text):
    """Read the path of a table of points: CSV or JSON."""
    return table(text, (".csv", ".json"))
