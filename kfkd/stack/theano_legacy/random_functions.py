"""Operations that draw random numbers, with an array as their state.

Theano's state was a generator object of NumPy, which a program on a GPU cannot hold.
This one is a state of ``theano.sandbox.rng_mrg``; each draw advances it by one step.
"""

import numpy as np
import theano.tensor as T
from theano.gradient import DisconnectedType, grad_undefined
from theano.graph.basic import Apply
from theano.graph.op import Op
from theano.sandbox import rng_mrg

__all__ = ["RandomFunction"]


def _multinomial(generator, size, n, pvals):
    pvals = pvals.astype("float64")
    sums = pvals.sum(axis=-1, keepdims=True)
    if not (pvals >= 0).all() or (sums > 1 + 1e-5).any():
        raise ValueError("pvals must not be negative, nor their sum above 1")
    return generator.multinomial(n, pvals / np.maximum(sums, 1), size)


# Functions of a generator of NumPy, the size and the parameters.
_DRAWS = {
    "binomial": lambda rng, size, n, p: rng.binomial(n, p, size),
    "choice": lambda rng, size, a, replace, p: rng.choice(
        a, size, bool(replace), p if len(p) else None
    ),
    "multinomial": _multinomial,
    "normal": lambda rng, size, avg, std: rng.normal(avg, std, size),
    "permutation": lambda rng, size, n: rng.permuted(
        np.broadcast_to(np.arange(n), (*size, n)), axis=-1
    ),
    "poisson": lambda rng, size, lam: rng.poisson(lam, size),
    "random_integers": lambda rng, size, low, high: rng.integers(
        low, high, size, endpoint=True
    ),
    "uniform": lambda rng, size, low, high: rng.uniform(low, high, size),
}


def _advanced(state):
    """Return the state after a draw."""
    following = np.empty_like(state)
    with np.errstate(over="ignore"):  # as it wraps around on purpose
        for before, after in zip(state, following, strict=True):
            rng_mrg.mrg_next_value(before, after, np.float32(2**-31), 0xFFFFFFFF, 0)
    return following


class RandomFunction(Op):
    """Operation that draws an array of random numbers.

    Inputs: the state, the size, the parameters of the distribution.  Outputs: the next
    state, the numbers.

    Parameters
    ----------
    distribution : str
        The name of a method of `RandomStreams`.
    otype : TensorType
        The type of the numbers.
    ndim_added : int, optional
        How many axes the numbers have after those of the size.
    """

    __props__ = ("distribution", "otype", "ndim_added")

    def __init__(self, distribution, otype, ndim_added=0):
        self.distribution = distribution
        self.otype = otype
        self.ndim_added = ndim_added

    def make_node(self, state, size, *parameters):
        """Apply the operation to variables, or to values that can become variables."""
        parameters = map(T.as_tensor_variable, parameters)
        outputs = [state.type(), self.otype()]
        return Apply(self, [state, T.cast(size, "int64"), *parameters], outputs)

    def check_size(self, size):
        """Raise ValueError unless the size has an entry for each axis."""
        ndim = self.otype.ndim - self.ndim_added
        if len(size) != ndim:
            raise ValueError(f"ndim is {ndim}, but the size is {tuple(size)}")

    def perform(self, node, inputs, outputs):
        """Draw with NumPy, seeded by the state."""
        state, size, *parameters = inputs
        self.check_size(size)
        generator = np.random.default_rng(state.ravel().astype("uint32"))
        drawn = _DRAWS[self.distribution](generator, tuple(size), *parameters)
        outputs[0][0] = _advanced(state)
        outputs[1][0] = np.asarray(drawn).astype(self.otype.dtype)

    def infer_shape(self, fgraph, node, shapes):
        """Return the symbolic shapes of the outputs."""
        size, *parameters = node.inputs[1:]
        shape = [size[i] for i in range(self.otype.ndim - self.ndim_added)]
        if self.distribution == "permutation":
            shape.append(parameters[0])
        if self.distribution == "multinomial":
            shape.append(shapes[-1][-1])
        return [shapes[0], shape]

    def connection_pattern(self, node):
        """Connect the parameters to the numbers, and nothing else."""
        parameters = node.inputs[2:]
        return [[False, False]] * 2 + [[False, True]] * len(parameters)

    def grad(self, inputs, output_grads):
        """Return undefined gradients for the parameters: a draw has none."""
        reason = "a draw has no gradient"
        undefined = [grad_undefined(self, i, x, reason) for i, x in enumerate(inputs)]
        return [DisconnectedType()(), DisconnectedType()(), *undefined[2:]]

    def R_op(self, inputs, eval_points):
        """Return a zero for the state, and no derivative for the numbers."""
        return [inputs[0].zeros_like(), None]
