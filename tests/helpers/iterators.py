"""Batch iterators that change the data, to see who notices."""

from functools import partial

import pytest
from nolearn.lasagne import BatchIterator

__all__ = ["InPlace", "OwnCall", "OwnLoop", "in_place", "iterators", "own_loop"]


class InPlace(BatchIterator):
    """Changes its batches, as the tutorial's FlipBatchIterator does."""

    def transform(self, Xb, yb):
        Xb, yb = super().transform(Xb, yb)
        Xb += 1
        if yb is not None:
            yb -= 1
        return Xb, yb


class OwnLoop(BatchIterator):
    """Makes batches of its own."""

    def __iter__(self):
        for start in range(0, self.n_samples, 7):
            Xb = self.X[start : start + 7]
            Xb += 1
            yb = self.y
            if yb is not None:
                yb = yb[start : start + 7]
                yb -= 1
            yield Xb, yb


class OwnCall:
    def __call__(self, X, y=None):
        X += 1
        if y is not None:
            y -= 1
        return [(X, y)]


def iterators(*kinds):
    return pytest.mark.parametrize(
        "iterator", kinds, ids=lambda make: make().__class__.__name__
    )


in_place, own_loop = partial(InPlace, 16), partial(OwnLoop, 7)
