"""Kaggle's layout: the names of the columns, the size of an image."""

import difflib
import itertools
import reprlib

__all__ = ["COLUMNS", "PIXELS", "SIDE", "hint", "nearest", "shown"]

SIDE = 96
PIXELS = SIDE * SIDE

# In the order of Kaggle's training.csv; "left" is the left of the person shown.
_POINTS = (
    "left_eye_center",
    "right_eye_center",
    "left_eye_inner_corner",
    "left_eye_outer_corner",
    "right_eye_inner_corner",
    "right_eye_outer_corner",
    "left_eyebrow_inner_end",
    "left_eyebrow_outer_end",
    "right_eyebrow_inner_end",
    "right_eyebrow_outer_end",
    "nose_tip",
    "mouth_left_corner",
    "mouth_right_corner",
    "mouth_center_top_lip",
    "mouth_center_bottom_lip",
)
COLUMNS = tuple(f"{point}_{axis}" for point in _POINTS for axis in "xy")


def shown(text):
    """Return text from a file or a caller as an error message shows it, never long."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return reprlib.repr(text)


def hint(name, names):
    """Return ``" (did you mean 'x'?)"`` with the nearest of names, or nothing."""
    near = nearest(name, names)
    return f" (did you mean {near!r}?)" if near else ""


def nearest(name, names):
    """Return the name that another, perhaps mistyped, is nearest to, or None."""
    text = str(name)[:80].lower()
    lower = {str(known).lower(): known for known in names}
    # What all begin with, as net1 to net12 do, makes none of them nearer.
    letters = zip(*lower, text, strict=False)
    same = len([*itertools.takewhile(lambda at: len({*at}) == 1, letters)])
    start = same if len(lower) > 1 else 0
    rest = {known[start:]: known for known in lower}
    near = difflib.get_close_matches(text[start:], rest, n=1)
    return lower[rest[near[0]]] if near else None
