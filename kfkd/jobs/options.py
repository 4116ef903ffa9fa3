"""Options of long jobs, checked before these begin."""

import functools
import numbers
from collections.abc import Mapping

from kfkd.arguments import check, one_of, positive, share, whole
from kfkd.callbacks.checkpoint import Checkpoint

__all__ = ["check_options"]


def check_options(**options):
    """Raise ArgumentError for the first option that is not valid."""
    for name, value in options.items():
        if value is not None or name not in _OPTIONAL:
            _CHECKS[name](name, value)


def _jobs(name, value):
    is_valid = isinstance(value, numbers.Integral) and value != 0
    check(name, value, is_valid, "a whole number other than 0, as for joblib")


def _every(name, value):
    check(name, value, isinstance(value, Mapping), "a dict with epochs or minutes")
    for key in value:
        one_of(f"a key of {name}", key, ("epochs", "minutes"))
    Checkpoint("file", **value)  # which checks the values


def _scale(name, value):
    positive(name, value)
    check(name, value, value <= _LARGEST_SCALE, f"at most {_LARGEST_SCALE:,}")


# Times the epochs of the tutorial; more can neither be counted nor awaited.
_LARGEST_SCALE = 1_000_000
_count = functools.partial(whole, least=1)
_OPTIONAL = ("max_rows", "n_jobs", "seed")
_CHECKS = {
    "batch_size": _count,
    "checkpoint_every": _every,
    "epochs_scale": _scale,
    "holdout": share,
    "log_every": _count,
    "max_rows": _count,
    "n_jobs": _jobs,
    "seed": whole,
}
