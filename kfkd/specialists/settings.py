"""Settings of the specialists: columns of each, and parameters of one alone."""

import operator
import re
from collections.abc import Iterable, Mapping

import joblib

from kfkd import data
from kfkd.arguments import as_list, check
from kfkd.augment import flip_pairs
from kfkd.errors import ArgumentError
from kfkd.messages import count, hint, shown

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
    for setting in as_list("settings", settings, "dicts"):
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
        pairs = flip_pairs(columns) if pairs is None else _check_pairs(pairs, columns)
        kwargs = setting.get("kwargs") or {}
        is_dict = isinstance(kwargs, Mapping)
        check(f"kwargs of {name_of(columns)}", kwargs, is_dict, "a dict")
        checked.append(dict(columns=columns, flip_indices=pairs, kwargs=dict(kwargs)))
    if not checked:
        raise ArgumentError("the settings are empty: there are no specialists to train")
    return checked


def _check_pairs(pairs, columns):
    """Return pairs of positions of columns as a list of tuples."""
    found = []
    try:
        found = [(operator.index(a), operator.index(b)) for a, b in pairs]
        is_valid = all(0 <= i < len(columns) for pair in found for i in pair)
    except (TypeError, ValueError):
        is_valid = False
    wanted = f"pairs of positions among its {count(len(columns), 'column')}"
    check(f"flip_indices of {name_of(columns)}", pairs, is_valid, wanted)
    return found


def choose(settings, only):
    """Return the settings of the specialists named by key point or columns.

    None stands for all.  An unknown one is an ArgumentError.
    """
    if only is None:
        return settings
    by_name = {name_of(setting["columns"]): setting for setting in settings}
    names = {setting["columns"]: name for name, setting in by_name.items()}
    chosen = set()
    for wanted in as_list("only", only, "specialists"):
        named = isinstance(wanted, str) or not isinstance(wanted, Iterable)
        name = wanted if named else names.get(tuple(wanted))
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
