"""``theano.tensor.shared_randomstreams``, which drew by NumPy's own generator."""

import numpy as np

from kfkd.stack.imports import lend_module, make_module

__all__ = ["lend"]


def lend(theano):
    """Lend RandomStreams: the same distributions, by the generator of `rng_mrg`."""
    T = theano.tensor
    MRG = theano.sandbox.rng_mrg.MRG_RandomStream

    def shaped(size, *parameters):
        """Return the size, without which it is that of the parameters."""
        if size is not None:
            return size
        return tuple(sum(T.zeros_like(T.as_tensor(p)) for p in parameters).shape)

    class RandomStreams(MRG):
        """Streams of random numbers, each of which goes on with every call.

        Theano's had a generator of NumPy's for each stream, which no GPU had.  These
        are other numbers, therefore, of the same distributions.
        """

        def __init__(self, seed=None):
            if seed is None:
                seed = np.random.default_rng().integers(1, 2**30)
            # None of the generator's numbers may be 0.
            super().__init__(int(seed) % (2**31 - 1) or 1)
            self.default_instance_seed = seed

        def uniform(self, size=None, low=0.0, high=1.0, ndim=None, dtype=None, **more):
            size = shaped(size, low, high)
            dtype = theano.config.floatX if dtype in (None, "floatX") else dtype
            return MRG.uniform(self, size, low, high, ndim, dtype, **more)

        def normal(self, size=None, avg=0.0, std=1.0, ndim=None, dtype=None, **more):
            size = shaped(size, avg, std)
            dtype = theano.config.floatX if dtype in (None, "floatX") else dtype
            return MRG.normal(self, size, avg, std, ndim, dtype, **more)

        def binomial(
            self, size=None, n=1, p=0.5, ndim=None, dtype="int64", prob=None, **more
        ):
            p = p if prob is None else prob
            if not isinstance(n, int | np.integer):
                raise NotImplementedError(
                    "RandomStreams.binomial takes a plain integer for n"
                )
            size = shaped(size, p)
            draws = [
                MRG.binomial(self, size, 1, p, ndim, dtype, **more) for _ in range(n)
            ]
            return sum(draws[1:], draws[0])

        def random_integers(self, size=None, low=0, high=1, ndim=None, dtype="int64"):
            size = shaped(size, low, high)
            span = T.cast(T.as_tensor(high) - low + 1, "float64")
            uniform = MRG.uniform(self, size, ndim=ndim, dtype="float64")
            return T.cast(T.floor(uniform * span) + low, dtype)

        def permutation(self, size=None, n=1, ndim=None, dtype="int64"):
            rows = () if size is None else size
            rows = (rows,) if isinstance(rows, int) else tuple(rows)
            uniform = MRG.uniform(self, (*rows, n), dtype="float64")
            return T.cast(T.argsort(uniform, axis=-1), dtype)

        def shuffle_row_elements(self, input):
            order = self.permutation(
                size=tuple(input.shape[i] for i in range(input.ndim - 1)),
                n=input.shape[input.ndim - 1],
            )
            if input.ndim == 1:
                return input[order]
            rows = T.arange(order.shape[0])[:, None]
            return input[rows, order]

        def multinomial(
            self, size=None, n=1, pvals=None, ndim=None, dtype="int64", **more
        ):
            if pvals is None:
                pvals = [0.5, 0.5]
            pvals = T.as_tensor_variable(pvals)
            if pvals.ndim == 2 and size is None:
                return MRG.multinomial(self, None, n, pvals, None, dtype, **more)
            if pvals.ndim != 1:
                raise NotImplementedError(
                    "RandomStreams.multinomial takes a vector of probabilities, or a "
                    "matrix without a size"
                )
            size = () if size is None else size
            size = (size,) if isinstance(size, int) else tuple(size)
            count = 1
            for length in size:
                count = count * length
            rows = T.alloc(pvals, count, pvals.shape[0])
            drawn = MRG.multinomial(self, None, n, rows, None, dtype, **more)
            return drawn.reshape((*size, pvals.shape[0]))

        def poisson(self, *args, **kwargs):
            raise NotImplementedError(
                "RandomStreams.poisson has no counterpart: draw with NumPy, and give "
                "the numbers to the function"
            )

    RandomStreams.__module__ = "theano.tensor.shared_randomstreams"
    RandomStreams.__qualname__ = "RandomStreams"
    lend_module(
        make_module("theano.tensor.shared_randomstreams", RandomStreams=RandomStreams)
    )
