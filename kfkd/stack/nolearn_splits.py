"""Splits into training and validation data that leave the caller's data alone."""

import copy
import functools
import numbers

import numpy as np
from sklearn.utils.multiclass import type_of_target

from kfkd.arguments import check
from kfkd.errors import ArgumentError
from kfkd.stack.nolearn_data import each, own_copy

__all__ = ["check_share", "patch_splits"]


def check_share(split):
    """Raise ArgumentError for a share for validation that a TrainSplit cannot have."""
    # The samples are divided into round(1 / share) parts, of which one is set aside.
    share = split.eval_size
    is_valid = not share or (isinstance(share, numbers.Real) and 0 < share <= 0.6)
    check("train_split.eval_size", share, is_valid, "from 0 to 0.6")


def _are_labels(y):
    return type_of_target(y) in ("binary", "multiclass")


def patch_splits(nolearn):
    """Patch TrainSplit so that it shuffles copies, and can split what are no labels."""
    TrainSplit = nolearn.lasagne.TrainSplit
    split = TrainSplit.__call__

    @functools.wraps(split)
    def split_copies(self, X, y, net):
        check_share(self)
        if self.shuffle:
            X, y = each(own_copy, X), each(own_copy, y)
        if (
            self.eval_size
            and self.stratify
            and not net.regression
            and not _are_labels(y)
        ):
            self = copy.copy(self)
            self.stratify = False  # which takes labels
        try:
            return split(self, X, y, net)
        except ValueError as error:
            if "number of members in each class" not in str(error):
                raise
            share, classes = self.eval_size, len(np.unique(y))
            raise ArgumentError(
                f"train_split is to set {share:g} of each class aside for validation, "
                f"which takes {round(1 / share)} samples of one class at least; y has "
                f"{len(y)} samples of {classes} classes. TrainSplit({share:g}, "
                "stratify=False) splits without regard to classes"
            ) from error

    TrainSplit.__call__ = split_copies
