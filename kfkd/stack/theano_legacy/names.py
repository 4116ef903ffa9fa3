"""Functions and classes that have moved, or whose arguments have been renamed."""

import functools
import importlib
import pickle

from kfkd.stack.shims import install_module

__all__ = ["install"]

# The names of theano.gof that theano had, too.
_OF_GOF = (
    *("Apply", "CLinker", "Constant", "Container", "DualLinker", "FunctionGraph"),
    *("Generic", "InconsistencyError", "Linker", "LocalLinker", "Op", "OpenMPOp"),
    *("OpWiseCLinker", "PerformLinker", "Type", "Variable", "generic", "opt"),
    "toolbox",
)


class CompatUnpickler(pickle.Unpickler):
    """Unpickler for pickles of Python 2, those with arrays included."""

    def __init__(self, file, *, encoding="latin1", **options):
        super().__init__(file, encoding=encoding, **options)


def _change_flags(theano):
    """Return the context manager that changes settings, with dots in names or not."""

    def change_flags(args=(), **kwargs):
        changed = dict(args) | kwargs
        named = {name.replace(".", "__"): value for name, value in changed.items()}
        return theano.config.change_flags(**named)

    return change_flags


def _add(module, **names):
    """Set those names that a module does not have."""
    vars(module).update(names | vars(module))


def install(theano):
    """Set the names on Theano's modules."""
    for name in ("compile.debugmode", "compile.nanguardmode", "misc.pkl_utils"):
        importlib.import_module(f"theano.{name}")
    T, nnet, pool = theano.tensor, theano.tensor.nnet, theano.tensor.signal.pool
    bits, rng_mrg = theano.configdefaults, theano.sandbox.rng_mrg
    conv2d, flatten = nnet.conv2d, T.flatten

    @functools.wraps(conv2d)
    def conv2d_old(*args, image_shape=None, **kwargs):
        if image_shape is not None:
            kwargs["input_shape"] = image_shape
        return conv2d(*args, **kwargs)

    @functools.wraps(flatten)
    def flatten_old(x, ndim=None, outdim=None):
        return flatten(x, outdim if ndim is None else ndim)

    def max_pool_2d(input, ds, ignore_border=None, st=None, padding=(0, 0), mode="max"):
        return pool.pool_2d(input, ds, ignore_border, stride=st, pad=padding, mode=mode)

    def DownsampleFactorMax(ds, ignore_border=False, st=None, padding=(0, 0), **mode):
        return lambda x: max_pool_2d(x, ds, ignore_border, st, padding, **mode)

    # Theano's own refuse names with dots.
    theano.change_flags = theano.configparser.change_flags = _change_flags(theano)
    T.flatten = T.basic.flatten = flatten_old
    nnet.conv2d = conv2d_old
    install_module(
        "theano.tensor.signal.downsample",
        max_pool_2d=max_pool_2d,
        max_pool_2d_same_size=pool.max_pool_2d_same_size,
        DownsampleFactorMax=DownsampleFactorMax,
    )
    rng_mrg.MRG_RandomStreams = rng_mrg.MRG_RandomStream
    theano.misc.pkl_utils.CompatUnpickler = CompatUnpickler
    _add(
        theano,
        **{name: getattr(theano.gof, name) for name in _OF_GOF},
        OpFromGraph=theano.compile.builders.OpFromGraph,
        SymbolicInput=theano.compile.SymbolicInput,
        SymbolicOutput=theano.compile.SymbolicOutput,
        _asarray=theano.misc.safe_asarray._asarray,
        as_op=theano.compile.ops.as_op,
        dot=T.dot,
    )
    _add(theano.compile, DebugMode=theano.compile.debugmode.DebugMode)
    _add(
        T,
        compress=T.extra_ops.compress,
        diff=T.extra_ops.diff,
        gof=theano.gof,
        shared=T._shared,
        to_one_hot=T.extra_ops.to_one_hot,
    )
    _add(
        nnet,
        batch_normalization_test=nnet.bn.batch_normalization_test,
        batch_normalization_train=nnet.bn.batch_normalization_train,
    )
    _add(
        bits,
        local_bitwidth=lambda: bits.LOCAL_BITWIDTH,
        python_int_bitwidth=lambda: bits.PYTHON_INT_BITWIDTH,
    )
    for scalar in (theano.scalar, theano.scalar.basic):
        _add(
            scalar,
            Maximum=scalar.ScalarMaximum,
            Minimum=scalar.ScalarMinimum,
            maximum=scalar.scalar_maximum,
            minimum=scalar.scalar_minimum,
        )
