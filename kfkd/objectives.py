"""Loss functions that leave missing labels out.

>>> net = make("net2", objective_loss_function=masked_squared_error)
>>> net.fit(*load2d(missing="keep"))
"""

from typing import Any

import theano.tensor as T

__all__ = ["masked_squared_error", "skips_missing"]


def masked_squared_error(a: Any, b: Any) -> Any:
    """Return squared errors, 0 where `b` is NaN, whose mean is that of the others.

    For ``objective_loss_function`` of a net.  The train loss and the validation loss
    are then means over the labels that are there.

    Parameters
    ----------
    a : Theano tensor
        Predictions.
    b : Theano tensor
        Targets, NaN where one is missing.

    Returns
    -------
    Theano tensor
        Of the shape of `a`.  All is 0 if all targets are missing.

    Notes
    -----
    ``lasagne.objectives.squared_error``, for the table of the competition, most rows of
    which lack most labels.  The tutorial leaves these rows out.
    """
    is_missing = T.isnan(b)
    # NaN must not come into the difference: zero times NaN is NaN in the gradient.
    error = T.switch(is_missing, 0, a - T.switch(is_missing, 0, b))
    n_known = T.maximum(T.sum(T.invert(is_missing), dtype=error.dtype), 1)
    return error**2 * (error.size.astype(error.dtype) / n_known)


masked_squared_error.skips_missing = True  # type: ignore[attr-defined]


def skips_missing(loss_function: Any) -> bool:
    """Return whether a loss function says that it leaves NaN among targets out.

    One of a program's own says so by an attribute ``skips_missing`` that is True.  Its
    losses must have the mean of those that are there, as `masked_squared_error` has.
    """
    return getattr(loss_function, "skips_missing", False) is True
