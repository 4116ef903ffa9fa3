"""Settings of the specialists: columns of each, and parameters of one alone."""

from collections.abc import Mapping

import joblib

from kfkd import data
from kfkd.augment import flip_pairs
from kfkd.messages import hint, shown

__all__ = [
    "SPECIALIST_SETTINGS",
    "choose",
    "describe",
    "find_missing",
    "name_of",
    "read_settings",
]

SPECIALIST_SETTINGS = [
    dict(columns=columns, flip_indices=flip_pairs(columns))
    for columns in (
        (
            "left_eye_center_x",
            "left_eye_center_y",
            "right_eye_center_x",
            "right_eye_center_y",
        ),
        (
            "nose_tip_x",
            "nose_tip_y",
        ),
        (
            "mouth_left_corner_x",
            "mouth_left_corner_y",
            "mouth_right_corner_x",
            "mouth_right_corner_y",
            "mouth_center_top_lip_x",
            "mouth_center_top_lip_y",
        ),
        (
            "mouth_center_bottom_lip_x",
            "mouth_center_bottom_lip_y",
        ),
        (
            "left_eye_inner_corner_x",
            "left_eye_inner_corner_y",
            "right_eye_inner_corner_x",
            "right_eye_inner_corner_y",
            "left_eye_outer_corner_x",
            "left_eye_outer_corner_y",
            "right_eye_outer_corner_x",
            "right_eye_outer_corner_y",
        ),
        (
            "left_eyebrow_inner_end_x",
            "left_eyebrow_inner_end_y",
            "right_eyebrow_inner_end_x",
            "right_eyebrow_inner_end_y",
            "left_eyebrow_outer_end_x",
            "left_eyebrow_outer_end_y",
            "right_eyebrow_outer_end_x",
            "right_eyebrow_outer_end_y",
        ),
    )
]


_KEYS = ("columns", "flip_indices", "kwargs")


def name_of(columns):
    """Return the key point of a group's first column, such as ``nose_tip``."""
    return columns[0][:-2]


def find_missing(nets):
    """Return the names of the tutorial's specialists that a set lacks.

    Parameters
    ----------
    nets : dict of tuple of str to NeuralNet

    Returns
    -------
    list of str
        Empty for a set with other groups of columns.
    """
    columns = [setting["columns"] for setting in SPECIALIST_SETTINGS]
    if not set(nets) <= set(columns):
        return []
    return [name_of(group) for group in columns if group not in nets]


def read_settings(settings):
    """Return the settings of specialists, checked and complete.

    Returns
    -------
    list of dict
        Each with ``columns``, ``flip_indices`` and ``kwargs``.

    Raises
    ------
    ValueError
        A setting is wrong.
    """
    checked, seen = [], set()
    for setting in settings:
        if not isinstance(setting, Mapping) or not setting.get("columns"):
            raise ValueError(
                "each of the settings must be a dict with the columns of a specialist, "
                f"not {shown(setting)}"
            )
        for key in setting:
            if key not in _KEYS:
                raise ValueError(
                    f"the settings of a specialist are {', '.join(_KEYS)}, not "
                    f"{shown(key)}{hint(key, _KEYS)}"
                )
        columns = data.check_cols(setting["columns"])
        again = seen.intersection(columns)
        if again:
            raise ValueError(f"{min(again)!r} is a column of two specialists")
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
        raise ValueError("the settings are empty: there are no specialists to train")
    return checked


def choose(settings, only):
    """Return the settings of the specialists named by key point or columns.

    Parameters
    ----------
    settings : list of dict
        As from `read_settings`.
    only : sequence of str or tuple, or None
        None stands for all.

    Raises
    ------
    ValueError
        There is no such specialist.
    """
    if only is None:
        return settings
    if isinstance(only, str):
        raise ValueError(f"only is the text {shown(only)}, not a list of specialists")
    by_name = {name_of(setting["columns"]): setting for setting in settings}
    chosen = set()
    for name in only:
        wanted = name
        if not isinstance(name, str):
            columns = tuple(name)
            wanted = next(
                (n for n, s in by_name.items() if s["columns"] == columns), None
            )
        if wanted not in by_name:
            raise ValueError(
                f"there is no specialist {shown(name)}{hint(name, by_name)}; there are "
                f"{', '.join(by_name)}"
            )
        chosen.add(wanted)
    if not chosen:
        raise ValueError("only is empty: there is nothing to train")
    return [setting for name, setting in by_name.items() if name in chosen]


def describe(kwargs):
    """Return parameters in a form that JSON can hold, for comparison."""
    plain = (str, int, float, bool, type(None))
    return {
        name: value
        if isinstance(value, plain)
        else f"{shown(repr(value))} {joblib.hash(value)}"
        for name, value in kwargs.items()
    }
