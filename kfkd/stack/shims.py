"""Shims: modules and names that the three packages need while they are imported."""

import collections
import collections.abc
import contextlib
import importlib.metadata
import logging
import os
import shutil
import sys
import tempfile
import types
import warnings

import numpy as np
import sklearn.model_selection

__all__ = [
    "import_lasagne",
    "import_nolearn",
    "import_theano",
    "install_module",
    "make_absent",
    "make_module",
    "public_names",
    "quiet",
]


def make_module(name, **attributes):
    """Return a module that holds *attributes*, without installing it."""
    module = types.ModuleType(name)
    vars(module).update(attributes)
    return module


def public_names(module):
    """Return what a module holds, without the import system's own names."""
    return {k: v for k, v in vars(module).items() if not k.startswith("__")}


class _Absent(types.ModuleType):
    """A module that is gone: its names raise an ImportError that says what to use.

    A class for the GPU does so when it is used: programs import more than they use.
    """

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        message = f"{self.__name__}.{name} is not available: {self.__doc__}"
        if name.startswith(("Gpu", "HostFromGpu", "CudaNdarray")):
            return _absent_class(name, message)
        raise ImportError(message)


def _absent_class(name, message):
    """Return a class that raises an ImportError if it is called or derived from."""

    def refuse(*args, **kwargs):
        raise ImportError(message)

    return type(name, (), {"__new__": refuse, "__init_subclass__": refuse})


def install_module(name, **attributes):
    """Install a module under its name, and as an attribute of its package."""
    return _install(make_module(name, **attributes))


def make_absent(name, instead, **attributes):
    """Install a module that has kept *attributes* alone.

    Its other names raise an error that says what to use *instead*.
    """
    module = _install(_Absent(name, instead))
    vars(module).update(attributes)
    return module


def _install(module):
    parent, _, last = module.__name__.rpartition(".")
    sys.modules[module.__name__] = module
    setattr(sys.modules[parent], last, module)
    return module


@contextlib.contextmanager
def _temporarily(mapping, **items):
    """Put *items* into *mapping* within the block, and restore it afterwards."""
    saved = {key: mapping[key] for key in items if key in mapping}
    mapping.update(items)
    try:
        yield
    finally:
        for key in items:
            mapping.pop(key, None)
        mapping.update(saved)


@contextlib.contextmanager
def quiet():
    """Suppress warnings about old syntax and about a missing BLAS."""

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


def import_theano(flags):
    """Import Theano with these flags, and return it."""
    # Python 3.12 has dropped distutils, and NumPy its own.  The last two modules are
    # for Theano's GPU back end: profiles and DebugMode name a few of its types.
    spawn = make_module("distutils.spawn", find_executable=shutil.which)
    gone = {
        "distutils": make_module("distutils", spawn=spawn),
        "distutils.spawn": spawn,
        "distutils.sysconfig": make_module("distutils.sysconfig"),
        "numpy.distutils": make_module("numpy.distutils"),
        "numpy.linalg.linalg": np.linalg,
        "pkg_resources": make_module("pkg_resources", DistributionNotFound=ImportError),
    }
    # Theano needs a home folder, for compiled C code, even if it compiles none.
    home = os.path.expanduser("~")
    home = {} if os.path.isabs(home) else {"HOME": tempfile.gettempdir()}
    # Theano replaces the excepthook of the process.
    with (
        _temporarily(sys.modules, **gone),
        _temporarily(os.environ, THEANO_FLAGS=flags, **home),
        _temporarily(vars(sys), excepthook=sys.excepthook),
    ):
        import theano
        import theano.gpuarray.basic_ops
        import theano.gpuarray.dnn
        import theano.sandbox.rng_mrg
        import theano.tensor.fft
        import theano.tensor.nnet.bn
        import theano.tensor.nnet.conv
        import theano.tensor.signal.pool
        import theano.tensor.slinalg
    return theano


def import_lasagne():
    """Import Lasagne, and return it."""

    def get_distribution(name):
        return types.SimpleNamespace(version=importlib.metadata.version(name))

    # setuptools has dropped pkg_resources; Lasagne asks it for its own version.
    pkg_resources = make_module("pkg_resources", get_distribution=get_distribution)
    with _temporarily(sys.modules, pkg_resources=pkg_resources):
        import lasagne
    return lasagne


def import_nolearn():
    """Import nolearn.lasagne, and return nolearn."""
    model_selection = sklearn.model_selection

    def KFold(n, n_folds):
        return model_selection.KFold(n_folds).split(np.empty(n))

    def StratifiedKFold(y, n_folds):
        return model_selection.StratifiedKFold(n_folds).split(y, y)

    # nolearn's TrainSplit calls these two, with the signatures of scikit-learn 0.17.
    cross_validation = make_module(
        "sklearn.cross_validation", KFold=KFold, StratifiedKFold=StratifiedKFold
    )
    with (
        _temporarily(sys.modules, **{"sklearn.cross_validation": cross_validation}),
        _temporarily(vars(collections), Iterable=collections.abc.Iterable),
    ):
        import nolearn.lasagne
    return nolearn
