"""Settings of the specialists: columns of each, and parameters of one alone."""

import re
from collections.abc import Mapping

import joblib

from kfkd import data
from kfkd.augment import flip_pairs
from kfkd.errors import ArgumentError
from kfkd.messages import hint, shown

__all__ = [
    "SPECIALIST_SETTINGS",
    "choose",
    "describe",
    "find_missing",
    "name_of",
    "read_settings",
]

# The key points of each specialist, in the tutorial's order.
_GROUPS = (
    ("left_eye_center", "right_eye_center"),
    ("nose_tip",),
    ("mouth_left_corner", "mouth_right_corner", "mouth_center_top_lip"),
    ("mouth_center_bottom_lip",),
    (
        "left_eye_inner_corner",
        "right_eye_inner_corner",
        "left_eye_outer_corner",
        "right_eye_outer_corner",
    ),
    (
        "left_eyebrow_inner_end",
        "right_eyebrow_inner_end",
        "left_eyebrow_outer_end",
        "right_eyebrow_outer_end",
    ),
)


def _setting(points):
    columns = tuple(f"{point}_{axis}" for point in points for axis in "xy")
    return dict(columns=columns, flip_indices=flip_pairs(columns))


SPECIALIST_SETTINGS = [_setting(points) for points in _GROUPS]

_KEYS = ("columns", "flip_indices", "kwargs")


def name_of(columns):
    """Return the key point of a group's first column, such as ``nose_tip``."""
    return columns[0][:-2]


def find_missing(nets):
    """Return the names of the tutorial's specialists that a set of nets lacks.

    It lacks none if it has other groups of columns.
    """
    columns = [setting["columns"] for setting in SPECIALIST_SETTINGS]
    if not set(nets) <= set(columns):
        return []
    return [name_of(group) for group in columns if group not in nets]


def read_settings(settings):
    """Return the settings of specialists, checked and complete.

    Each has ``columns``, ``flip_indices`` and ``kwargs``.
    A wrong one is an ArgumentError.
    """
    checked, seen = [], set()
    for setting in settings:
        if not isinstance(setting, Mapping) or not setting.get("columns"):
            raise ArgumentError(
                "each of the settings must be a dict with the columns of a specialist, "
                f"not {shown(setting)}"
            )
        for key in setting:
            if key not in _KEYS:
                raise ArgumentError(
                    f"the settings of a specialist are {', '.join(_KEYS)}, not "
                    f"{shown(key)}{hint(key, _KEYS)}"
                )
        columns = data.check_cols(setting["columns"])
        again = seen.intersection(columns)
        if again:
            raise ArgumentError(f"{min(again)!r} is a column of two specialists")
        seen.update(columns)
        pairs = setting.get("flip_indices")
        checked.append(
            dict(
                columns=columns,
                flip_indices=flip_pairs(columns) if pairs is None else list(pairs),
                kwargs=dict(setting.get("kwargs") or {}),
            )
        )
    if not checked:
        raise ArgumentError("the settings are empty: there are no specialists to train")
    return checked


def choose(settings, only):
    """Return the settings of the specialists named by key point or columns.

    None stands for all.  An unknown one is an ArgumentError.
    """
    if only is None:
        return settings
    if isinstance(only, str):
        raise ArgumentError(
            f"only is the text {shown(only)}, not a list of specialists"
        )
    by_name = {name_of(setting["columns"]): setting for setting in settings}
    names = {setting["columns"]: name for name, setting in by_name.items()}
    chosen = set()
    for wanted in only:
        name = wanted if isinstance(wanted, str) else names.get(tuple(wanted))
        if name not in by_name:
            raise ArgumentError(
                f"there is no specialist {shown(wanted)}{hint(wanted, by_name)}; there "
                f"are {', '.join(by_name)}"
            )
        chosen.add(name)
    if not chosen:
        raise ArgumentError("only is empty: there is nothing to train")
    return [setting for name, setting in by_name.items() if name in chosen]


def describe(kwargs):
    """Return parameters in a form that JSON can hold, for comparison."""
    plain = (str, int, float, bool, type(None))
    return {
        name: value
        if isinstance(value, plain)
        # Without addresses in memory, which differ from call to call.
        else f"{shown(re.sub(' at 0x[0-9a-f]+', '', repr(value)))} {joblib.hash(value)}"
        for name, value in kwargs.items()
    }
