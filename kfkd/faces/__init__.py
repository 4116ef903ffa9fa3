"""Drawn faces in the layout of the Kaggle competition: a data set out of a seed.

`draw` gives faces as arrays, `make` the competition's files, which `find` finds,
`is_drawn` knows again, and `describe` names. They stand in for the photographs, which
only Kaggle may pass on. See ``docs/faces.png``.
"""

from .photo import VERSION, draw
from .table import describe, find, is_drawn, make

__all__ = ["VERSION", "describe", "draw", "find", "is_drawn", "make"]
