"""The update rules adamax and amsgrad."""

from collections import OrderedDict

import numpy as np
import theano
import theano.tensor as T
from lasagne import utils
from lasagne.updates import get_or_compute_grads

__all__ = ["adamax", "amsgrad"]

_ONE = T.constant(1)  # an integer, so that float32 stays float32


def _state(param):
    """Return a shared variable of zeros with the shape of *param*."""
    value = param.get_value(borrow=True)
    return theano.shared(np.zeros_like(value), broadcastable=param.broadcastable)


def _average(updates, param, value, beta):
    """Return the next running average of *value*, and add its state to *updates*."""
    previous = _state(param)
    updates[previous] = average = beta * previous + (_ONE - beta) * value
    return average


def adamax(
    loss_or_grads, params, learning_rate=0.002, beta1=0.9, beta2=0.999, epsilon=1e-8
):
    """Adam with the infinity norm, of Kingma and Ba, "Adam", 2014.

    Parameters
    ----------
    loss_or_grads : Theano scalar, or list of Theano tensors
    params : list of shared variables
    learning_rate, beta1, beta2, epsilon : float or Theano scalar

    Returns
    -------
    OrderedDict
        The next value of each variable.
    """
    grads = get_or_compute_grads(loss_or_grads, params)
    t_prev = theano.shared(utils.floatX(0.0))
    t = t_prev + 1
    a_t = learning_rate / (_ONE - beta1**t)
    updates = OrderedDict()
    for param, g_t in zip(params, grads, strict=True):
        m_t = _average(updates, param, g_t, beta1)
        u_prev = _state(param)
        updates[u_prev] = u_t = T.maximum(beta2 * u_prev, abs(g_t))
        updates[param] = param - a_t * m_t / (u_t + epsilon)
    updates[t_prev] = t
    return updates


def amsgrad(
    loss_or_grads, params, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8
):
    """Adam with the largest second moment so far, of Reddi et al., 2018.

    Parameters and result are as for `adamax`.
    """
    grads = get_or_compute_grads(loss_or_grads, params)
    t_prev = theano.shared(utils.floatX(0.0))
    t = t_prev + 1
    a_t = learning_rate * T.sqrt(_ONE - beta2**t) / (_ONE - beta1**t)
    updates = OrderedDict()
    for param, g_t in zip(params, grads, strict=True):
        m_t = _average(updates, param, g_t, beta1)
        v_t = _average(updates, param, g_t**2, beta2)
        v_hat_prev = _state(param)
        updates[v_hat_prev] = v_hat_t = T.maximum(v_hat_prev, v_t)
        updates[param] = param - a_t * m_t / (T.sqrt(v_hat_t) + epsilon)
    updates[t_prev] = t
    return updates
