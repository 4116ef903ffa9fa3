"""Nets that need no training, for the tests of what is done with predictions."""

import numpy as np

from kfkd.data import COLUMNS

# As the tutorial's specialists share them out, but in an order of their own.
GROUPS = (
    ("nose_tip_x", "nose_tip_y"),
    (*COLUMNS[22:28],),
    (*COLUMNS[0:4],),
    (*COLUMNS[28:30],),
    (*COLUMNS[12:20],),
    (*COLUMNS[4:12],),
)


class Linear:
    """Outputs that differ from image to image and from column to column.

    With `spread` 1 a good part of them lies outside of [-1, 1].
    """

    def __init__(self, outputs=30, seed=0, spread=1.0):
        rng = np.random.default_rng(seed)
        self.weights = rng.normal(0, spread / 20, (9216, outputs)).astype(np.float32)

    def predict(self, X):
        assert X.shape[1:] == (9216,)
        assert X.dtype == np.float32
        return (X - np.float32(0.5)) @ self.weights


def specialists(spread=1.0):
    return {
        columns: Linear(len(columns), seed, spread)
        for seed, columns in enumerate(GROUPS)
    }
