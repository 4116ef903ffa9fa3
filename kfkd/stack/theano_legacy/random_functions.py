"""Draws from distributions as operations, with a state that is an array.

Theano drew by a generator of NumPy's, of which no program for a GPU could hold the
state.  This one is that of the generator in ``theano.sandbox.rng_mrg``, and goes on by
one step with each draw.
"""

import numpy as np
import theano.tensor as T
from theano.gradient import DisconnectedType, grad_undefined
from theano.graph.basic import Apply
from theano.graph.op import Op
from theano.sandbox import rng_mrg

__all__ = ["RandomFunction"]


def _random_integers(generator, size, low, high):
    return generator.integers(low, high, size, endpoint=True)


def _choice(generator, size, a, replace, p):
    return generator.choice(a, size, bool(replace), p if len(p) else None)


def _permutation(generator, size, n):
    rows = np.broadcast_to(np.arange(n), (*size, n))
    return generator.permuted(rows, axis=-1)


def _multinomial(generator, size, n, pvals):
    pvals = pvals.astype("float64")
    sums = pvals.sum(axis=-1, keepdims=True)
    if not (pvals >= 0).all() or (sums > 1 + 1e-5).any():
        raise ValueError("pvals must not be negative, nor their sum above 1")
    return generator.multinomial(n, pvals / np.maximum(sums, 1), size)


_DRAWS = {
    "binomial": lambda generator, size, n, p: generator.binomial(n, p, size),
    "choice": _choice,
    "multinomial": _multinomial,
    "normal": lambda generator, size, avg, std: generator.normal(avg, std, size),
    "permutation": _permutation,
    "poisson": lambda generator, size, lam: generator.poisson(lam, size),
    "random_integers": _random_integers,
    "uniform": lambda generator, size, low, high: generator.uniform(low, high, size),
}


def _advanced(state):
    """Return the state after a draw."""
    following = np.empty_like(state)
    with np.errstate(over="ignore"):  # as it wraps around on purpose
        for before, after in zip(state, following, strict=True):
            rng_mrg.mrg_next_value(before, after, np.float32(2**-31), 0xFFFFFFFF, 0)
    return following


class RandomFunction(Op):
    """Draws an array of random numbers.

    Its inputs are the state, the size and the parameters of the distribution; its
    outputs are the next state and the numbers.

    Parameters
    ----------
    distribution : str
        The name of a method of `RandomStreams`.
    otype : TensorType
        The type of the numbers.
    ndim_added : int, optional
        How many axes they have beyond the size.
    """

    __props__ = ("distribution", "otype", "ndim_added")

    def __init__(self, distribution, otype, ndim_added=0):
        self.distribution = distribution
        self.otype = otype
        self.ndim_added = ndim_added

    def make_node(self, state, size, *parameters):
        """Return the application to variables, or to what can become such."""
        parameters = map(T.as_tensor_variable, parameters)
        outputs = [state.type(), self.otype()]
        return Apply(self, [state, T.cast(size, "int64"), *parameters], outputs)

    def check_size(self, size):
        """Raise a ValueError unless there is an entry for each axis."""
        ndim = self.otype.ndim - self.ndim_added
        if len(size) != ndim:
            raise ValueError(f"ndim is {ndim}, but the size is {tuple(size)}")

    def perform(self, node, inputs, outputs):
        """Draw by NumPy."""
        state, size, *parameters = inputs
        self.check_size(size)
        generator = np.random.default_rng(state.ravel().astype("uint32"))
        drawn = _DRAWS[self.distribution](generator, tuple(size), *parameters)
        outputs[0][0] = _advanced(state)
        outputs[1][0] = np.asarray(drawn).astype(self.otype.dtype)

    def infer_shape(self, fgraph, node, shapes):
        """Return the shapes of the outputs as Theano's variables."""
        size, *parameters = node.inputs[1:]
        shape = [size[i] for i in range(self.otype.ndim - self.ndim_added)]
        if self.distribution == "permutation":
            shape.append(parameters[0])
        if self.distribution == "multinomial":
            shape.append(shapes[-1][-1])
        return [shapes[0], shape]

    def connection_pattern(self, node):
        """Return that gradients go from the numbers to the parameters at most."""
        parameters = node.inputs[2:]
        return [[False, False]] * 2 + [[False, True]] * len(parameters)

    def grad(self, inputs, output_grads):
        """Return that gradients are not defined there."""
        reason = "a draw has no gradient"
        undefined = [grad_undefined(self, i, x, reason) for i, x in enumerate(inputs)]
        return [DisconnectedType()(), DisconnectedType()(), *undefined[2:]]

    def R_op(self, inputs, eval_points):
        """Return that neither the state nor the numbers change with anything."""
        return [inputs[0].zeros_like(), None]
