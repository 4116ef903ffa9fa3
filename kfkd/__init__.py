"""The 2014 tutorial on facial keypoints with Theano, Lasagne and nolearn, alive again.

Importing any module of the package makes the three packages work
(:mod:`kfkd.stack`) and registers the compile mode ``"xla"`` (:mod:`kfkd.xla`).
"""

from kfkd._memory import keep_memory
from kfkd._started import starts

keep_memory()

if not starts("kfkd.doctor"):  # which is for where these do not import
    import kfkd.stack
    import kfkd.xla  # noqa: F401

__version__ = "0.1.0"
