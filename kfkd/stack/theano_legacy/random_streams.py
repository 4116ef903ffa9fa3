"""``theano.tensor.shared_randomstreams``: streams of random numbers, as variables."""

import copy

import numpy as np
import theano
import theano.tensor as T
from theano.tensor.sharedvar import TensorSharedVariable

from kfkd.stack.shims import install_module
from kfkd.stack.theano_legacy.random_functions import RandomFunction

__all__ = ["RandomStateSharedVariable", "RandomStreams", "install"]


def _make_state(generator):
    """Return a state drawn from a generator of NumPy."""
    return generator.randint(1, 2**30, (1, 6)).astype("int32")


class _State(np.ndarray):
    """A state with the methods that programs called on NumPy's generator."""

    def seed(self, seed=None):
        self[...] = _make_state(np.random.RandomState(seed))

    def get_state(self):
        return np.array(self)

    def set_state(self, state):
        self[...] = state


class RandomStateSharedVariable(TensorSharedVariable):
    """The state of one stream, which the next draw reads and advances."""

    def get_value(self, borrow=False, return_internal_type=False):
        """Return the state, an array with methods that seed and restore it."""
        return super().get_value(borrow, return_internal_type).view(_State)

    def set_value(self, new_value, borrow=False):
        """Set the state, or seed it with a ``numpy.random.RandomState``."""
        if isinstance(new_value, np.random.RandomState):
            new_value = _make_state(copy.deepcopy(new_value))
        super().set_value(np.asarray(new_value), borrow)


def _infer_size(size, ndim, *parameters):
    """Return the size as a vector, and for each axis whether its length is always one.

    Lengths that are -1, or a size that is None, are those of the *parameters* when
    these are broadcast together.
    """
    whole = sum(parameters[1:], parameters[0]) if parameters else T.constant(0)
    if size is None:
        size, ndim = (-1,) * whole.ndim, None
    if isinstance(size, T.Variable):
        ndim = T.get_vector_length(size) if ndim is None else ndim
        ones = (False,) * ndim
    else:
        lengths = list(size) if np.ndim(size) else [size]
        if ndim not in (None, len(lengths)):
            raise ValueError(f"ndim is {ndim}, but the size is {size}")
        ndim = len(lengths)
        for axis, length in enumerate(lengths):
            if isinstance(length, T.Variable) or length >= 0:
                continue
            own = axis - ndim + whole.ndim
            if length != -1 or own < 0:
                raise ValueError(f"the size is {size}")
            lengths[axis] = 1 if whole.broadcastable[own] else whole.shape[own]
        ones = tuple(T.extract_constant(length) == 1 for length in lengths)
        size = T.stack(lengths) if lengths else T.constant([], dtype="int64", ndim=1)
    if whole.ndim > ndim:
        raise ValueError(
            f"ndim is {ndim}, but the parameters have {whole.ndim} dimensions"
        )
    return size, ones


class RandomStreams:
    """Streams of random numbers, which advance with every call of a function.

    Theano's had a generator of NumPy for each stream.  These numbers are others, of
    the same distributions.

    Parameters
    ----------
    seed : int, optional

    Attributes
    ----------
    state_updates : list of tuple
        For each draw its state, and the expression that the state becomes.
    gen_seedgen : numpy.random.RandomState
        Draws the initial states.
    """

    def __init__(self, seed=None):
        self.state_updates = []
        self.default_instance_seed = seed
        self.gen_seedgen = np.random.RandomState(seed)

    def updates(self):
        """Return `state_updates`, which ``theano.function`` applies by default."""
        return list(self.state_updates)

    def seed(self, seed=None):
        """Reseed all streams, as ``RandomStreams(seed)`` does."""
        seed = self.default_instance_seed if seed is None else seed
        self.gen_seedgen.seed(seed)
        for state, _ in self.state_updates:
            state.set_value(_make_state(self.gen_seedgen))

    def __getitem__(self, item):
        """Return the value of a state, the attribute ``rng`` of a draw."""
        return item.get_value(borrow=True)

    def __setitem__(self, item, value):
        """Set the value of a state."""
        item.set_value(value, borrow=True)

    def _draw(self, distribution, dtype, sized, *parameters, added=()):
        """Draw from a stream of its own; *sized* is what `_infer_size` returns."""
        size, ones = sized
        otype = T.TensorType(dtype, (*ones, *added))
        state = theano.shared(_make_state(self.gen_seedgen))
        state.__class__ = RandomStateSharedVariable
        state.tag.is_rng = True
        op = RandomFunction(distribution, otype, len(added))
        following, drawn = op(state, size, *parameters)
        drawn.rng = state
        drawn.update = (state, following)
        state.default_update = following
        self.state_updates.append(drawn.update)
        return drawn

    def _draw_each(self, distribution, size, ndim, dtype, *parameters):
        """Draw with parameters that are broadcast; floats where *dtype* is None."""
        parameters = list(map(T.as_tensor_variable, parameters))
        if dtype is None:
            dtypes = (p.dtype for p in parameters)
            dtype = theano.scalar.upcast(theano.config.floatX, *dtypes)
        sized = _infer_size(size, ndim, *parameters)
        return self._draw(distribution, dtype, sized, *parameters)

    def uniform(self, size=None, low=0.0, high=1.0, ndim=None, dtype=None):
        """Draw floats uniformly between *low* and *high*."""
        return self._draw_each("uniform", size, ndim, dtype, low, high)

    def normal(self, size=None, avg=0.0, std=1.0, ndim=None, dtype=None):
        """Draw from normal distributions."""
        return self._draw_each("normal", size, ndim, dtype, avg, std)

    def binomial(self, size=None, n=1, p=0.5, ndim=None, dtype="int64", prob=None):
        """Draw how many of *n* trials succeed, each with the probability *p*."""
        p = p if prob is None else prob
        return self._draw_each("binomial", size, ndim, dtype, n, p)

    def poisson(self, size=None, lam=1.0, ndim=None, dtype="int64"):
        """Draw from Poisson distributions with the expectations *lam*."""
        return self._draw_each("poisson", size, ndim, dtype, lam)

    def random_integers(self, size=None, low=0, high=1, ndim=None, dtype="int64"):
        """Draw integers from *low* to *high*, both included."""
        return self._draw_each("random_integers", size, ndim, dtype, low, high)

    def choice(self, size=None, a=2, replace=True, p=None, ndim=None, dtype="int64"):
        """Draw from the vector *a*, or from 0, ..., a - 1, with probabilities *p*.

        Without *replace*, no element is drawn twice.
        """
        a = T.as_tensor_variable(a)
        if p is None or (np.ndim(p) == 0 and np.all(p == 0)):  # Theano took 0 for None
            p = T.constant([], dtype="float64", ndim=1)
        p = T.as_tensor_variable(p)
        if a.ndim > 1 or p.ndim != 1:
            raise ValueError("a must be a scalar or a vector, and p a vector")
        sized = _infer_size(() if size is None else size, ndim)
        replace = replace if isinstance(replace, T.Variable) else np.int8(replace)
        return self._draw("choice", dtype, sized, a, replace, p)

    def permutation(self, size=None, n=1, ndim=None, dtype="int64"):
        """Draw permutations of 0, ..., n - 1, along an axis after those of *size*."""
        n = T.as_tensor_variable(n)
        sized = _infer_size(() if size is None else size, ndim)
        return self._draw("permutation", dtype, sized, n, added=(False,))

    def multinomial(self, size=None, n=1, pvals=(0.5, 0.5), ndim=None, dtype="int64"):
        """Draw how often each outcome occurs in *n* trials.

        The outcomes are along the last axis, as their probabilities *pvals* are.
        """
        n, pvals = map(T.as_tensor_variable, (n, pvals))
        sized = _infer_size(size, ndim, n, pvals[..., 0])
        added = pvals.broadcastable[-1:]
        return self._draw("multinomial", dtype, sized, n, pvals, added=added)

    def shuffle_row_elements(self, input):
        """Return a tensor with each row (along the last axis) in a random order."""
        length = input.shape[input.ndim - 1]
        rows = input.shape[: input.ndim - 1]
        order = self.permutation(rows, length, ndim=input.ndim - 1)
        flat, indices = (x.reshape((-1, length)) for x in (input, order))
        shuffled = flat[T.arange(flat.shape[0])[:, None], indices]
        shuffled = shuffled.reshape(input.shape, ndim=input.ndim)
        shuffled.permutation = order
        return shuffled


def install():
    """Install the module."""
    install_module(
        "theano.tensor.shared_randomstreams",
        RandomFunction=RandomFunction,
        RandomStateSharedVariable=RandomStateSharedVariable,
        RandomStreams=RandomStreams,
    )
