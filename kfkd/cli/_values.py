"""What the text of an argument means: numbers, times, and the names of files."""

import argparse
import math
import pathlib

from kfkd.choices import PICTURE_FORMATS
from kfkd.messages import hint

__all__ = [
    "duration",
    "every",
    "jobs",
    "one_of",
    "picture",
    "positive",
    "share",
    "table",
    "whole",
]


def whole(least, most=None):
    """Return a function that takes a text for a whole number within bounds."""

    def parse(text):
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number"
            ) from None
        if number < least or (most is not None and number > most):
            bounds = f"at least {least}" + (f", at most {most}" if most else "")
            raise argparse.ArgumentTypeError(f"{text} is not {bounds}")
        return number

    return parse


def _number(text):
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def positive(text):
    """Take a text for a number greater than 0."""
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not greater than 0")
    return number


def share(text):
    """Take a text for a share from 0 to less than 1."""
    number = _number(text)
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to less than 1")
    return number


def one_of(names):
    """Return a function that takes a text for one of some names."""

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


def duration(text):
    """Take a text such as 90s, 30m or 1.5h for a time in minutes."""
    number, unit = text[:-1], text[-1:]
    try:
        minutes = float(number) * _UNITS[unit]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time such as 90s, 30m or 1.5h"
        ) from None
    if not 0 < minutes < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not greater than 0")
    return minutes


def every(text):
    """Take a text for when checkpoints are saved, as options of `Checkpoint`."""
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
    """Take a text for a number of jobs, as joblib has it."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if not number:
        raise argparse.ArgumentTypeError("0 is not a number of jobs")
    return number


def picture(text):
    """Take a text for the path of a picture, in a format that can be written."""
    path = pathlib.Path(text)
    if path.suffix.lower() not in PICTURE_FORMATS:
        raise argparse.ArgumentTypeError(
            f"{path} ends in none of {', '.join(PICTURE_FORMATS)}"
        )
    return path


def table(text):
    """Take a text for the path of a table as CSV."""
    path = pathlib.Path(text)
    pipe = path.exists() and not path.is_file()  # or a device, or a folder
    if path.suffix.lower() != ".csv" and not pipe:
        raise argparse.ArgumentTypeError(f"{path} does not end in .csv")
    return path
