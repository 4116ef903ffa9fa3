"""Softmax and the cross-entropies that Theano merges with it."""

import jax
import jax.numpy as jnp
from theano.tensor.nnet import nnet

from kfkd.xla.dispatch import as_dtype, convert, dtype_of


@convert.register(nnet.Softmax)
def _(op, node):
    return lambda x: jax.nn.softmax(x, axis=1)


@convert.register(nnet.LogSoftmax)
def _(op, node):
    return lambda x: jax.nn.log_softmax(x, axis=1)


@convert.register(nnet.SoftmaxWithBias)
def _(op, node):
    return lambda x, b: jax.nn.softmax(x + b, axis=1)


@convert.register(nnet.SoftmaxGrad)
def _(op, node):
    def softmax_grad(dy, sm):
        product = dy * sm
        return product - jnp.sum(product, axis=1, keepdims=True) * sm

    return softmax_grad


def _pick(matrix, columns):
    """Return the entry of each row that *columns* names, as a column."""
    return jnp.take_along_axis(matrix, columns[:, None], axis=1)


@convert.register(nnet.CrossentropySoftmaxArgmax1HotWithBias)
def _(op, node):
    loss, _, position = (dtype_of(v) for v in node.outputs)

    def crossentropy(x, b, y):
        logits = jax.nn.log_softmax(x + b, axis=1)
        return (
            as_dtype(-_pick(logits, y)[:, 0], loss),
            jnp.exp(logits),
            as_dtype(jnp.argmax(x + b, axis=1), position),
        )

    return crossentropy


@convert.register(nnet.CrossentropySoftmax1HotWithBiasDx)
def _(op, node):
    def crossentropy_dx(dy, sm, y):
        one_hot = jax.nn.one_hot(y, sm.shape[1], dtype=sm.dtype)
        return jnp.reshape(dy, (-1, 1)) * (sm - one_hot)

    return crossentropy_dx


@convert.register(nnet.CrossentropyCategorical1Hot)
def _(op, node):
    return lambda coding, y: -jnp.log(_pick(coding, y)[:, 0])


@convert.register(nnet.CrossentropyCategorical1HotGrad)
def _(op, node):
    def crossentropy_grad(gradient, coding, y):
        one_hot = jax.nn.one_hot(y, coding.shape[1], dtype=coding.dtype)
        return -one_hot * gradient[:, None] / jnp.where(one_hot == 1, coding, 1)

    return crossentropy_grad
