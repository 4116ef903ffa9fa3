"""Update rules."""

from collections import OrderedDict

import numpy as np
import theano
import theano.tensor as T
from lasagne import utils
from lasagne.updates import get_or_compute_grads

__all__ = ["adamax", "amsgrad"]


def _state(param):
    """Return a shared variable of zeros, one for each element of *param*."""
    value = param.get_value(borrow=True)
    return theano.shared(np.zeros_like(value), broadcastable=param.broadcastable)


def adamax(
    loss_or_grads,
    params,
    learning_rate=0.002,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-8,
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
        Of each variable its next value.
    """
    grads = get_or_compute_grads(loss_or_grads, params)
    t_prev = theano.shared(utils.floatX(0.0))
    one = T.constant(1)  # of an integer type, which leaves float32 as it is
    t = t_prev + 1
    a_t = learning_rate / (one - beta1**t)
    updates = OrderedDict()
    for param, g_t in zip(params, grads, strict=True):
        m_prev, u_prev = _state(param), _state(param)
        updates[m_prev] = m_t = beta1 * m_prev + (one - beta1) * g_t
        updates[u_prev] = u_t = T.maximum(beta2 * u_prev, abs(g_t))
        updates[param] = param - a_t * m_t / (u_t + epsilon)
    updates[t_prev] = t
    return updates


def amsgrad(
    loss_or_grads,
    params,
    learning_rate=0.001,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-8,
):
    """Adam that keeps the largest second moment, of Reddi et al., 2018.

    Parameters
    ----------
    loss_or_grads : Theano scalar, or list of Theano tensors
    params : list of shared variables
    learning_rate, beta1, beta2, epsilon : float or Theano scalar

    Returns
    -------
    OrderedDict
        Of each variable its next value.
    """
    grads = get_or_compute_grads(loss_or_grads, params)
    t_prev = theano.shared(utils.floatX(0.0))
    one = T.constant(1)
    t = t_prev + 1
    a_t = learning_rate * T.sqrt(one - beta2**t) / (one - beta1**t)
    updates = OrderedDict()
    for param, g_t in zip(params, grads, strict=True):
        m_prev, v_prev, v_hat_prev = _state(param), _state(param), _state(param)
        updates[m_prev] = m_t = beta1 * m_prev + (one - beta1) * g_t
        updates[v_prev] = v_t = beta2 * v_prev + (one - beta2) * g_t**2
        updates[v_hat_prev] = v_hat_t = T.maximum(v_hat_prev, v_t)
        updates[param] = param - a_t * m_t / (T.sqrt(v_hat_t) + epsilon)
    updates[t_prev] = t
    return updates
