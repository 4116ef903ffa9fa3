"""Theano-PyMC 1.1.2, Lasagne 0.1 and nolearn 0.6.1 on today's Python and NumPy.

Importing this module imports the three packages, as they are published, and
mends in memory what has broken since:

>>> import kfkd.stack
>>> import theano, lasagne, nolearn.lasagne

What they need only while they are imported (modules and names that are gone) is
lent to them for just that long.  What they need later is set on *their*
modules.  NumPy, SciPy, scikit-learn and the standard library stay as they are.

Everything that the age of the three packages asks for is in this module, and no
other module of the project patches anything.

Settings
--------
``floatX=float32`` and ``mode=xla`` (see :mod:`kfkd.xla`) are the defaults;
``THEANO_FLAGS`` and ``~/.theanorc`` override them.  ``device=gpu0`` or
``device=cuda`` there, with which Theano chose its GPU, choose the device of
:mod:`kfkd.xla` now: see :data:`REQUESTED_DEVICE`.
"""

import collections
import collections.abc
import configparser
import contextlib
import functools
import importlib.metadata
import importlib.util
import logging
import os
import pathlib
import re
import shutil
import sys
import threading
import types
import warnings

import numpy as np
import scipy.signal
import sklearn.base
import sklearn.model_selection

__all__ = ["REQUESTED_DEVICE", "StackError", "lasagne", "nolearn", "theano"]


class StackError(ImportError):
    """The packages that kfkd stands on are not the ones that it needs."""


# --- What is installed ------------------------------------------------------------

VERSIONS = {"theano-pymc": "1.1.2", "lasagne": "0.1", "nolearn": "0.6.1"}
_MEND = "python -m pip install --force-reinstall --no-deps -r requirements.txt"


def _check_installed():
    """Raise StackError if a package is missing, of another version, or Theano's."""
    for name, version in VERSIONS.items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            raise StackError(
                f"kfkd needs {name} {version}, which is not installed. "
                "Install it with: python -m pip install -r requirements.txt"
            ) from None
        if found != version:
            raise StackError(
                f"kfkd needs {name} {version}, but {found} is installed. "
                f"Mend it with: {_MEND}"
            )
    # Theano and Theano-PyMC both install the folder theano; each writes its version
    # into a file of another name.
    spec = importlib.util.find_spec("theano")
    folder = pathlib.Path(spec.origin).parent if spec and spec.origin else None
    if folder is None or not (folder / "_version.py").exists():
        problem = "its folder theano/ is missing or incomplete"
    elif (folder / "generated_version.py").exists():
        problem = f"the distribution Theano has been installed over it, in {folder}"
    else:
        return
    raise StackError(
        f"theano-pymc 1.1.2 is installed, but {problem}. Mend it with: "
        f"python -m pip uninstall -y Theano theano-pymc && {_MEND}"
    )


# --- Settings ---------------------------------------------------------------------


def _user_settings():
    """Return what the user has set: THEANO_FLAGS and, below it, .theanorc."""
    files = os.environ.get("THEANORC", "~/.theanorc").split(os.pathsep)
    parser = configparser.RawConfigParser(strict=False)
    with contextlib.suppress(configparser.Error, UnicodeError):
        parser.read(os.path.expanduser(name) for name in files)
    settings = dict(parser["global"]) if parser.has_section("global") else {}
    settings = {"floatX" if k == "floatx" else k: v for k, v in settings.items()}
    for flag in os.environ.get("THEANO_FLAGS", "").split(","):
        name, equals, value = flag.strip().partition("=")
        if equals:
            settings[name.strip()] = value.strip()
    return settings


_DEFAULTS = {
    "floatX": "float32",
    "mode": "xla",
    # No C compiler, hence no BLAS to link to: graphs are run elsewhere.
    "cxx": "",
    "blas__ldflags": "",
}


def _flags():
    """THEANO_FLAGS for the import, the mode, and the GPU asked for, if any."""
    settings = _user_settings()
    settings = _DEFAULTS | settings
    mode = settings.pop("mode")
    if mode.lower() != "xla":
        settings["mode"], mode = mode, None
    gpu = re.fullmatch(r"(?:gpu|cuda)(\d*)", settings.get("device", ""))
    settings["device"] = "cpu" if gpu else settings.get("device", "cpu")
    device = gpu and "cuda" + (gpu[1] and f":{gpu[1]}")
    return ",".join(f"{name}={value}" for name, value in settings.items()), mode, device


# --- Import -----------------------------------------------------------------------


def _module(name, **attributes):
    module = types.ModuleType(name)
    vars(module).update(attributes)
    return module


@contextlib.contextmanager
def _lent(mapping, **items):
    """Put *items* into *mapping*; afterwards leave it as it was."""
    saved = {key: mapping[key] for key in items if key in mapping}
    mapping.update(items)
    try:
        yield
    finally:
        for key in items:
            mapping.pop(key, None)
        mapping.update(saved)


@contextlib.contextmanager
def _quiet():
    """Keep back what nobody can act on: old syntax, and that no BLAS is linked to."""

    def is_news(record):
        return not record.getMessage().startswith("Using NumPy C-API based")

    logger = logging.getLogger("theano.tensor.blas")
    logger.addFilter(is_news)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.removeFilter(is_news)


def _import_theano(flags):
    # distutils left Python 3.12, and numpy.distutils left with it.  The last two are
    # for Theano's GPU back end, a few types of which its profiles and DebugMode name.
    spawn = _module("distutils.spawn", find_executable=shutil.which)
    gone = {
        "distutils": _module("distutils", spawn=spawn),
        "distutils.spawn": spawn,
        "distutils.sysconfig": _module("distutils.sysconfig"),
        "numpy.distutils": _module("numpy.distutils"),
        "numpy.linalg.linalg": np.linalg,
        "pkg_resources": _module("pkg_resources", DistributionNotFound=ImportError),
    }
    with _lent(sys.modules, **gone), _lent(os.environ, THEANO_FLAGS=flags):
        import theano
        import theano.gpuarray
        import theano.sandbox.rng_mrg
        import theano.tensor.nnet.bn
        import theano.tensor.nnet.conv
        import theano.tensor.signal.pool
        import theano.tensor.slinalg
    return theano


def _import_lasagne():
    def get_distribution(name):
        return types.SimpleNamespace(version=importlib.metadata.version(name))

    # setuptools has dropped pkg_resources; Lasagne asks it for its own version.
    pkg_resources = _module("pkg_resources", get_distribution=get_distribution)
    with _lent(sys.modules, pkg_resources=pkg_resources):
        import lasagne
    return lasagne


def _import_nolearn():
    model_selection = sklearn.model_selection

    def KFold(n, n_folds):
        return model_selection.KFold(n_folds).split(np.empty(n))

    def StratifiedKFold(y, n_folds):
        return model_selection.StratifiedKFold(n_folds).split(y, y)

    # nolearn's split keeps these two, with the signatures of scikit-learn 0.17.
    cross_validation = _module(
        "sklearn.cross_validation", KFold=KFold, StratifiedKFold=StratifiedKFold
    )
    with (
        _lent(sys.modules, **{"sklearn.cross_validation": cross_validation}),
        _lent(vars(collections), Iterable=collections.abc.Iterable),
    ):
        import nolearn.lasagne
    return nolearn


# --- Theano: what NumPy no longer does ----------------------------------------------


def _dtype(spec):
    """NumPy took a Theano variable or type for the dtype that it has."""
    name = getattr(spec, "dtype", None)
    return name if isinstance(name, str) else spec


class _Cast:
    """numpy.cast."""

    def __getitem__(self, dtype):
        return functools.partial(np.asarray, dtype=_dtype(dtype))


class _Complex(complex):
    """numpy.complex, which took arrays of one element, of any shape."""

    def __new__(cls, *parts):
        return complex(*[np.asarray(part).item() for part in parts])


def _array(a, dtype=None, **options):
    """numpy.array, which wrapped a Python int that does not fit the dtype."""
    dtype = _dtype(dtype)
    if isinstance(a, int) and dtype is not None:
        return np.array(a, **options).astype(dtype)
    return np.array(a, dtype, **options)


def _old_numpy(**more):
    """Return a stand-in for numpy that has what Theano still uses of it."""
    return _module(
        "numpy",
        __getattr__=functools.partial(getattr, np),
        AxisError=np.exceptions.AxisError,
        MAXDIMS=32,
        ComplexWarning=np.exceptions.ComplexWarning,
        cast=_Cast(),
        complex=_Complex,
        array=_array,
        product=np.prod,
        sctype2char=lambda dtype: np.dtype(dtype).char,
        asarray=lambda a, dtype=None: np.asarray(a, _dtype(dtype)),
        zeros=lambda shape, dtype=float: np.zeros(shape, _dtype(dtype)),
        **more,
    )


def _repair_numpy_names(theano):
    """Give Theano's modules the names and habits that NumPy has dropped."""
    old_numpy = _old_numpy()
    for module in (
        theano.scalar.basic,
        theano.tensor.basic,
        theano.tensor.elemwise,
        theano.tensor.extra_ops,
        theano.tensor.nnet.abstract_conv,
        theano.tensor.nnet.bn,
        theano.tensor.nnet.conv,
        theano.tensor.opt,
        theano.tensor.slinalg,
    ):
        module.np = old_numpy


def _repair_autocast(theano):
    """Give a Python number the smallest dtype that holds it exactly.

    Theano compares the number with itself in each dtype.  In NumPy 2 the number
    adapts to the other side: 0.1 passes for a float32, and 300 is not unequal to an
    int8 but an error.
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


class _ListIndexed(np.ndarray):
    """An array that takes a list of slices for a tuple, as NumPy did."""

    def __getitem__(self, index):
        return super().__getitem__(tuple(index) if isinstance(index, list) else index)

    def __setitem__(self, index, value):
        super().__setitem__(tuple(index) if isinstance(index, list) else index, value)


def _repair_pooling(theano):
    """Let Theano's own evaluation of pooling index with lists of slices."""
    pool = theano.tensor.signal.pool
    pool.np = _old_numpy()
    pool.np.zeros = lambda *args, **kwargs: np.zeros(*args, **kwargs).view(_ListIndexed)
    for op in (pool.Pool, pool.AveragePoolGrad):

        def perform(self, node, inputs, outputs, *params, _perform=op.perform):
            x, *others = inputs
            _perform(self, node, (x.view(_ListIndexed), *others), outputs, *params)
            outputs[0][0] = outputs[0][0].view(np.ndarray)

        op.perform = functools.wraps(op.perform)(perform)


def _repair_convolution(theano):
    """Convolve in Theano's own evaluation through SciPy's public functions."""

    def convolve2d(image, kernel, flip, mode, boundary, fillvalue):
        return scipy.signal.convolve2d(image, kernel, mode, boundary, fillvalue)

    # Without a compiler, the convolutions that others would be replaced by are not
    # there, and the graph is right as it is.
    tags = ("fast_run", "fast_compile")
    theano.compile.optdb.remove_tags("AbstractConvCheck", *tags)
    theano.compile.optdb["specialize_device"].remove_tags("conv_opts", *tags)
    for module in (theano.tensor.nnet.abstract_conv, theano.tensor.nnet.conv):
        module._valfrommode = module._bvalfromboundary = lambda name: name
        module._convolve2d = convolve2d
        module.convolve = scipy.signal.convolve
        module.imported_scipy_signal = True


def _repair_random_streams(theano):
    """Draw in Theano's own evaluation without overflow, and seed at once.

    The mask is a Python int that does not fit the int32 of the state.  The streams
    of one generator (up to 15,360, each 2**72 draws after the one before) are
    computed one by one by a compiled function: doubling their number instead needs
    14 products of 3x3 matrices.
    """
    rng_mrg = theano.sandbox.rng_mrg
    next_value = rng_mrg.mrg_next_value

    def mrg_next_value(rstate, new_rstate, NORM, mask, offset):
        return next_value(rstate, new_rstate, NORM, np.int64(mask), offset)

    def jump(rows, first, second):
        """*rows* of six numbers after the jumps *first* and *second*."""
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

    # How many draws is an int8, which in NumPy 2 overflows when multiplied.
    for op in (
        rng_mrg.multinomial.MultinomialFromUniform,
        rng_mrg.multinomial.ChoiceFromUniform,
    ):

        def perform(self, node, inputs, outputs, _perform=op.perform):
            p, uniform, n = inputs
            _perform(self, node, (p, uniform, int(n)), outputs)

        op.perform = functools.wraps(op.perform)(perform)
    rng_mrg.mrg_next_value = mrg_next_value
    rng_mrg.multMatVect = multMatVect
    rng_mrg.MRG_RandomStream.get_substream_rstates = get_substream_rstates


# --- Theano: what Lasagne and the back end expect -------------------------------------


def _repair_names(theano):
    """Lend Theano the names that Lasagne 0.1 was written for."""
    pool_2d = theano.tensor.signal.pool.pool_2d

    def max_pool_2d(input, ds, ignore_border=None, st=None, padding=(0, 0), mode="max"):
        return pool_2d(input, ds, ignore_border, stride=st, pad=padding, mode=mode)

    conv2d = theano.tensor.nnet.conv2d

    @functools.wraps(conv2d)
    def conv2d_old(*args, image_shape=None, **kwargs):
        if image_shape is not None:
            kwargs["input_shape"] = image_shape
        return conv2d(*args, **kwargs)

    theano.gof = theano.graph.basic
    theano.sandbox.rng_mrg.MRG_RandomStreams = theano.sandbox.rng_mrg.MRG_RandomStream
    theano.tensor.nnet.conv2d = conv2d_old
    name = "theano.tensor.signal.downsample"
    theano.tensor.signal.downsample = _module(name, max_pool_2d=max_pool_2d)
    sys.modules[name] = theano.tensor.signal.downsample


def _repair_modes(theano, mode):
    """Let ``theano.config.mode`` name any registered mode, as functions may.

    Theano accepts a fixed list of names, and keeps using the first default mode after
    ``config.mode`` has come to name another.
    """
    modes = theano.compile.mode
    parameter = theano.config._config_var_dict["mode"]
    accept = parameter._apply

    def apply(value):
        modes.instantiated_default_mode = None
        registered = isinstance(value, str) and value in modes.predefined_modes
        return value if registered or value == "xla" else accept(value)

    parameter._apply = apply
    if mode:
        theano.config.mode = mode


def _repair_threads(theano):
    """Let threads compile one after the other.

    Theano changes its settings while it compiles and puts back what it found, which
    in a second thread is what the first has changed: the lines of the user's program
    that errors name were lost for good.
    """
    FunctionMaker = theano.compile.function.types.FunctionMaker
    lock = threading.RLock()

    def alone(method):
        @functools.wraps(method)
        def locked(*args, **kwargs):
            with lock:
                return method(*args, **kwargs)

        return locked

    FunctionMaker.__init__ = alone(FunctionMaker.__init__)
    FunctionMaker.create = alone(FunctionMaker.create)


# --- nolearn: what scikit-learn and pickle expect ---------------------------------


def _restore(cls):
    """Make an empty net; as a function of this module, it has the stack imported."""
    return cls.__new__(cls)


def _repair_net(nolearn):
    """Make nolearn's NeuralNet clone, print once, show in a notebook, and pickle.

    ``get_params`` asks for every parameter of the constructor, two of which it does
    not keep.  That ``set_params`` may name parameters of layers to come, nolearn has
    from a dict that claims to hold any key, which the table in a notebook believes.
    ``clone`` has to take out the two handlers that the constructor adds.
    A pickle must be loadable where nobody has imported kfkd before, and leaves out
    the compiled functions, which are made again from the layers.
    """
    NeuralNet = nolearn.lasagne.NeuralNet
    printers = (nolearn.lasagne.PrintLog, nolearn.lasagne.PrintLayerInfo)
    init = NeuralNet.__init__
    getstate = NeuralNet.__getstate__
    get_params = NeuralNet.get_params
    set_params = NeuralNet.set_params

    @functools.wraps(init)
    def __init__(self, *args, **kwargs):
        # The constructor appends to the caller's lists.
        for name in ("on_epoch_finished", "on_training_started"):
            if isinstance(kwargs.get(name), list):
                kwargs[name] = list(kwargs[name])
        init(self, *args, **kwargs)

    @functools.wraps(get_params)
    def get_params_as_dict(self, deep=True):
        return dict(get_params(self, deep))

    @functools.wraps(set_params)
    def set_any_params(self, **params):
        known = self.get_params()
        new = [name for name in params if name not in known and "__" not in name]
        vars(self).update((name, params.pop(name)) for name in new)
        self._kwarg_keys = [*self._kwarg_keys, *new]
        return set_params(self, **params)

    def __sklearn_clone__(self):
        params = self.get_params(deep=False)
        if self.verbose:
            for name in ("on_epoch_finished", "on_training_started"):
                params[name] = [h for h in params[name] if type(h) not in printers]
        return type(self)(
            **{name: sklearn.base.clone(p, safe=False) for name, p in params.items()}
        )

    def __getstate__(self):
        compiled = ("train_iter_", "eval_iter_", "predict_iter_", "_initialized")
        compiled += ("_get_output_fn_cache",)
        return {k: v for k, v in getstate(self).items() if k not in compiled}

    def __reduce__(self):
        return _restore, (type(self),), self.__getstate__()

    NeuralNet.loss = NeuralNet.X_tensor_type = None
    NeuralNet.__init__ = __init__
    NeuralNet.get_params = get_params_as_dict
    NeuralNet.set_params = set_any_params
    NeuralNet.__sklearn_clone__ = __sklearn_clone__
    NeuralNet.__getstate__ = __getstate__
    NeuralNet.__reduce__ = __reduce__


_check_installed()
_theano_flags, _mode, REQUESTED_DEVICE = _flags()
with _quiet():
    theano = _import_theano(_theano_flags)
    _repair_numpy_names(theano)
    _repair_autocast(theano)
    _repair_pooling(theano)
    _repair_convolution(theano)
    _repair_random_streams(theano)
    _repair_names(theano)
    _repair_modes(theano, _mode)
    _repair_threads(theano)
    lasagne = _import_lasagne()
    nolearn = _import_nolearn()
    _repair_net(nolearn)
