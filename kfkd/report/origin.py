"""Identity of training data: Kaggle's, drawn or other."""

import dataclasses

import numpy as np

from kfkd import data, faces
from kfkd.messages import count

__all__ = ["Origin", "identify"]

# Of Kaggle's training.csv, and of the tutorial's author's copy: the number of rows; how
# many of them are complete, and the means of some columns, in pixels, of both.
_ROWS = (7049, 7044)
_COMPLETE = 2140
_MEANS = {
    "left_eye_center_x": 66.359,
    "left_eye_center_y": 37.651,
    "mouth_center_bottom_lip_x": 48.570,
    "mouth_center_bottom_lip_y": 78.970,
}
_NEAR = 0.02


@dataclasses.dataclass
class Origin:
    """Which data a training set is."""

    kind: str  # "kaggle", "drawn" or "other"
    rows: int
    complete: int  # rows with all 30 labels
    tests: int | None  # images in the test set, if there is one
    name: str  # of the file, without its folder
    fingerprint: str

    @property
    def title(self):
        """What it is, for the middle of a sentence."""
        return {
            "kaggle": "Kaggle's photographs",
            "drawn": "drawn faces (kfkd.faces)",
            "other": "other data in Kaggle's layout",
        }[self.kind]

    @property
    def size(self):
        """How much it is, for people."""
        text = (
            f"{count(self.rows, 'face')}, {self.complete:,} of them with all 30 labels"
        )
        return text + (f"; {count(self.tests, 'test face')}" if self.tests else "")


def identify(folder=None):
    """Return the `Origin` of the data in a folder.

    Kaggle's data are recognized by their numbers of rows and the means of their labels.
    Drawn faces have the same numbers, but ``kfkd.faces.make`` leaves a record beside
    them.

    Raises
    ------
    DataError
        There is no usable training set.
    """
    path = data.find("training", folder)
    table = data.read("training", folder)
    rows = len(table.labels)
    complete = int(np.count_nonzero(~np.isnan(table.labels).any(axis=1)))
    if faces.is_drawn(path):
        kind = "drawn"
    else:
        kind = "kaggle" if _is_kaggles(table.labels, complete) else "other"
    try:
        tests = len(data.read("test", folder).images)
    except data.DataError:
        tests = None
    return Origin(kind, rows, complete, tests, path.name, data.fingerprint(path))


def _is_kaggles(labels, complete):
    if len(labels) not in _ROWS or complete != _COMPLETE:
        return False
    positions = [data.COLUMNS.index(name) for name in _MEANS]
    means = np.nanmean(labels[:, positions], axis=0)
    return bool((abs(means - list(_MEANS.values())) < _NEAR).all())
