"""Drawn faces in the layout of the Kaggle competition: a data set made from a seed.

`draw` returns faces as arrays. `make` writes the competition's files, which `find`
finds, `is_drawn` recognises, and `describe` names. They stand in for the photographs,
which only Kaggle may pass on. See ``docs/faces.png``.

Key points are drawn by `points`, the head and its skin by `head` and `hills`, eyes,
brows, nose and mouth by `features`, hair, glasses and hats by `dress`. All of them draw
with what `canvas` has. `photo` makes a photograph of the result, and `table` writes the
files.
"""

from .photo import VERSION, draw
from .points import mark_sparsely
from .table import describe, find, is_drawn, make

__all__ = [
    "VERSION",
    "describe",
    "draw",
    "find",
    "is_drawn",
    "make",
    "mark_sparsely",
]
