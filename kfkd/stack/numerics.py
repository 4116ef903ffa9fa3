"""Patches of Theano's own evaluation: what NumPy and SciPy no longer do."""

import functools
import sys

import numpy as np
import scipy.signal

from kfkd.stack.old_numpy import dtype_of, make_numpy

__all__ = ["install"]


def install(theano):
    """Patch Theano's modules, and never NumPy or SciPy themselves."""
    _patch_numpy_names(theano)
    _patch_digests(theano)
    _patch_autocast(theano)
    _patch_casts(theano)
    _patch_many_inputs(theano)
    _patch_cumulation(theano)
    _patch_pooling(theano)
    _patch_top_k(theano)
    _patch_small_integers(theano)
    _patch_convolution(theano)
    _patch_random_streams(theano.sandbox.rng_mrg)


def _patch_numpy_names(theano):
    """Replace NumPy in Theano's modules by one that has the names it has dropped."""
    old_numpy = make_numpy()
    for module in (
        theano.link.c.basic,
        theano.scalar.basic,
        theano.tensor.basic,
        theano.tensor.elemwise,
        theano.tensor.extra_ops,
        theano.tensor.fft,
        theano.tensor.nnet.abstract_conv,
        theano.tensor.nnet.bn,
        theano.tensor.nnet.conv,
        theano.tensor.opt,
        theano.tensor.slinalg,
    ):
        module.np = old_numpy
    theano.misc.safe_asarray.np = make_numpy(
        dtype=lambda spec: np.dtype(dtype_of(spec))
    )


def _patch_digests(theano):
    """Patch the digests of arrays: ``tostring`` is ``tobytes`` now."""
    hex_digest = theano.printing.hex_digest

    class Bytes(np.ndarray):
        tostring = np.ndarray.tobytes

    @functools.wraps(hex_digest)
    def digest(x):
        return hex_digest(x.view(Bytes))

    theano.printing.hex_digest = digest


def _patch_autocast(theano):
    """Convert a Python number to the smallest dtype that holds it exactly.

    Theano compares the number with itself in each dtype.  In NumPy 2 the number is
    converted to that dtype before: 0.1 equals a float32, and 300 beside an int8 is an
    error.
    """
    config = theano.config
    autocast = theano.scalar.basic.NumpyAutocaster.__call__

    def __call__(self, x):
        if (
            hasattr(x, "dtype")
            or config.cast_policy != "custom"
            or (isinstance(x, float) and config.floatX in self.dtypes[:-1])
        ):
            return autocast(self, x)
        exact = np.asarray(x)
        if exact.dtype.kind not in "bif":  # beyond int64
            raise OverflowError(f"{x} does not fit into int64")
        for dtype in self.dtypes:
            if dtype != "float16" or config.floatX == "float16":
                with np.errstate(over="ignore"):
                    result = exact.astype(dtype)
                if result == exact:
                    break
        return result

    theano.scalar.basic.NumpyAutocaster.__call__ = __call__


def _patch_casts(theano):
    """Cast numbers that do not fit the dtype as elements of arrays are cast."""

    def impl(self, input):
        try:
            return self.ctor(input)
        except (OverflowError, ValueError):  # ValueError: of NaN
            return np.asarray(input).astype(self.o_type.dtype)[()]

    theano.scalar.basic.Cast.impl = impl


def _patch_many_inputs(theano):
    """Compute sums, products and the like of many arrays one after the other.

    The compiled code that Theano counts on does not exist here.  It would add up three
    arrays element by element, in Python, and hand 32 to a function of NumPy that takes
    fewer.
    """
    Elemwise = theano.tensor.elemwise.Elemwise
    perform = Elemwise.perform

    @functools.wraps(perform)
    def perform_many(self, node, inputs, output_storage):
        name, *takes = self.nfunc_spec or ("",)
        if len(inputs) < 3 or takes != [2, 1] or len(node.outputs) > 1:
            return perform(self, node, inputs, output_storage)
        for axis, sizes in enumerate(zip(*map(np.shape, inputs), strict=True)):
            ones = [v for v, size in zip(node.inputs, sizes, strict=True) if size == 1]
            if max(sizes) != 1 and not all(v.broadcastable[axis] for v in ones):
                shapes = ", ".join(str(np.shape(value)) for value in inputs)
                raise ValueError(f"Dimension mismatch; shapes are {shapes}")
        dtype = node.outputs[0].dtype
        combine, values = getattr(np, name), (np.asarray(v, dtype) for v in inputs)
        result = np.asarray(functools.reduce(combine, values), dtype)
        if self.inplace_pattern:
            own = inputs[self.inplace_pattern[0]]
            own[...] = result
            result = own
        output_storage[0][0] = result
        return None

    Elemwise.perform = perform_many


def _patch_cumulation(theano):
    """Compute running sums and products in the dtype of the argument, as declared.

    NumPy widens small integers.
    """

    def perform(self, node, inputs, outputs, params):
        accumulate = {"add": np.cumsum, "mul": np.cumprod}[self.mode]
        outputs[0][0] = accumulate(inputs[0], axis=self.axis, dtype=inputs[0].dtype)

    theano.tensor.extra_ops.CumOp.perform = perform


class _ListIndexed(np.ndarray):
    """An array that can be indexed with a list of slices, as in former NumPy."""

    def __getitem__(self, index):
        return super().__getitem__(tuple(index) if isinstance(index, list) else index)

    def __setitem__(self, index, value):
        super().__setitem__(tuple(index) if isinstance(index, list) else index, value)


def _patch_pooling(theano):
    """Index the arrays of pooling with tuples of slices."""
    pool = theano.tensor.signal.pool
    pool.np = make_numpy(
        zeros=lambda *args, **kwargs: np.zeros(*args, **kwargs).view(_ListIndexed)
    )

    for op in (
        pool.Pool,
        pool.AveragePoolGrad,
        pool.MaxPoolGrad,
        pool.DownsampleFactorMaxGradGrad,
        pool.MaxPoolRop,
    ):

        def perform(self, node, inputs, outputs, *params, _perform=op.perform):
            inputs = [value.view(_ListIndexed) for value in inputs]
            outputs[0][0] = None  # one of them adds to what it finds there
            _perform(self, node, inputs, outputs, *params)
            outputs[0][0] = outputs[0][0].view(np.ndarray)

        op.perform = functools.wraps(op.perform)(perform)


def _patch_top_k(theano):
    """Index partitioned arrays with tuples of slices."""

    class Partitioned:
        def __init__(self, values):
            self.values = values

        def __getitem__(self, index):
            return self.values[tuple(index)]

    sys.modules["theano.tensor.sort"].np = make_numpy(
        partition=lambda *args, **kwargs: Partitioned(np.partition(*args, **kwargs)),
        argpartition=lambda *args, **kwargs: Partitioned(
            np.argpartition(*args, **kwargs)
        ),
    )


def _patch_small_integers(theano):
    """Compute with constants that are int8, and overflow when they are multiplied.

    They are the number of draws, and which diagonal is filled.
    """
    multinomial = theano.sandbox.multinomial
    for op in (
        multinomial.MultinomialFromUniform,
        multinomial.ChoiceFromUniform,
        theano.tensor.extra_ops.FillDiagonalOffset,
    ):

        def perform(self, node, inputs, outputs, _perform=op.perform):
            first, second, number = inputs
            _perform(self, node, (first, second, int(number)), outputs)

        op.perform = functools.wraps(op.perform)(perform)


def _patch_convolution(theano):
    """Convolve with SciPy's public functions."""

    def convolve2d(image, kernel, flip, mode, boundary, fillvalue):
        return scipy.signal.convolve2d(image, kernel, mode, boundary, fillvalue)

    # Theano would replace convolutions by those in C, and refuses to go without these.
    tags = ("fast_run", "fast_compile")
    theano.compile.optdb.remove_tags("AbstractConvCheck", *tags)
    theano.compile.optdb["specialize_device"].remove_tags("conv_opts", *tags)
    for module in (theano.tensor.nnet.abstract_conv, theano.tensor.nnet.conv):
        module._valfrommode = module._bvalfromboundary = lambda name: name
        module._convolve2d = convolve2d
        module.convolve = scipy.signal.convolve
        module.imported_scipy_signal = True


def _patch_random_streams(rng_mrg):
    """Draw without overflow, and seed many streams quickly.

    The streams of one generator are up to 15,360, each 2**72 draws after the one
    before.  Theano computes them one by one in a compiled function; doubling their
    number instead takes 14 products of 3x3 matrices.
    """
    next_value = rng_mrg.mrg_next_value

    def mrg_next_value(rstate, new_rstate, NORM, mask, offset):
        # The mask is a Python int that does not fit the int32 of the state.
        return next_value(rstate, new_rstate, NORM, np.int64(mask), offset)

    def jump(rows, first, second):
        """Return *rows* of six numbers after the jumps *first* and *second*."""
        halves = ((rows[:, :3], first, rng_mrg.M1), (rows[:, 3:], second, rng_mrg.M2))
        # Products of two 31-bit numbers fit into int64, their sums may not.
        return np.concatenate(
            [
                sum(v[:, [j]] * A[:, j].astype("int64") % int(m) for j in range(3))
                % int(m)
                for v, A, m in halves
            ],
            axis=1,
        )

    def multMatVect(v, A, m1, B, m2):
        return jump(np.asarray(v, "int64")[None], A, B)[0].astype("int32")

    def get_substream_rstates(self, n_streams, dtype, inc_rstate=True):
        rows = np.asarray(self.rstate, "int64")[None]
        first = np.asarray(rng_mrg.A1p72).astype(object)
        second = np.asarray(rng_mrg.A2p72).astype(object)
        while len(rows) < n_streams:
            rows = np.concatenate([rows, jump(rows, first, second)])
            first = first @ first % int(rng_mrg.M1)
            second = second @ second % int(rng_mrg.M2)
        if inc_rstate:
            self.inc_rstate()
        return rows[:n_streams].astype("int32")

    rng_mrg.mrg_next_value = mrg_next_value
    rng_mrg.multMatVect = multMatVect
    rng_mrg.MRG_RandomStream.get_substream_rstates = get_substream_rstates
