"""The 2014 tutorial on facial keypoints with Theano, Lasagne and nolearn, alive again.

Importing any module of the package makes the three packages work
(:mod:`kfkd.stack`) and registers the compile mode ``"xla"`` (:mod:`kfkd.xla`).
"""

from kfkd._memory import keep_memory

keep_memory()

import kfkd.stack  # noqa: E402
import kfkd.xla  # noqa: E402, F401

__version__ = "0.1.0"
