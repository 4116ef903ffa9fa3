"""Theano-PyMC 1.1.2, Lasagne 0.1 and nolearn 0.6.1 on today's Python and NumPy.

Importing this module imports the three packages as they are published, and patches
them in memory.  After ``import kfkd``, the first import of one of them imports this
module (:mod:`kfkd._import_hook`):

>>> import kfkd
>>> import theano, lasagne, nolearn.lasagne

Modules and names that they need only while they are imported are shimmed for that time.
Everything else is set on *their* modules: NumPy, SciPy, scikit-learn and the standard
library stay as they are.  No other module of the project patches anything.

For programs of 2014 to 2018 there are shims of the names that Theano has dropped
(:mod:`kfkd.stack.theano_legacy`), and backports of what Lasagne's development version
had beyond 0.1 (:mod:`kfkd.stack.lasagne_dev`).

Settings
--------
``floatX=float32`` and ``mode=xla`` (see :mod:`kfkd.xla`) are the defaults;
``THEANO_FLAGS`` and ``~/.theanorc`` override them.  ``device=gpu0`` or ``device=cuda``
there chooses the device of :mod:`kfkd.xla`: see :data:`REQUESTED_DEVICE`.  Settings of
Theano's own GPU back end are accepted, and change nothing.  No C compiler is used,
whatever ``cxx`` is: linkers that need one, such as ``cvm``, mean those in Python.
"""

from kfkd import _import_hook
from kfkd.errors import StackError
from kfkd.process.memory import keep_memory
from kfkd.stack import (
    device_request,
    lasagne_dev,
    nolearn_batches,
    nolearn_changes,
    nolearn_clones,
    nolearn_functions,
    nolearn_labels,
    nolearn_layers,
    nolearn_net,
    nolearn_options,
    nolearn_sklearn,
    nolearn_splits,
    nolearn_subclasses,
    nolearn_types,
    numerics,
    pickles,
    settings,
    shared_storage,
    shims,
    theano_compile,
    theano_gradients,
    theano_graphs,
    theano_indexing,
    theano_legacy,
    theano_loops,
    theano_messages,
    theano_rewrites,
)
from kfkd.stack.versions import VERSIONS, check_installed

__all__ = [
    "DEFAULT_MODE",
    "REQUESTED_DEVICE",
    "VERSIONS",
    "StackError",
    "lasagne",
    "nolearn",
    "theano",
]


def __getattr__(name):
    """Return the device requested at the moment, as ``REQUESTED_DEVICE``."""
    if name == "REQUESTED_DEVICE":
        return device_request.get()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _restore(cls):
    """Return an empty net for a pickle; finding this function imports the stack."""
    return object.__new__(cls)


def _rebuild(function, arguments):
    """Call a function for a pickle; finding this one imports the stack."""
    return function(*arguments)


keep_memory()  # before NumPy, if it can be
check_installed()
_flags, _mode, _device = settings.get_settings()
device_request.put(_device)
with _import_hook.bypassed(), shims.quiet():
    with settings.explained():
        theano = shims.import_theano(_flags)
    numerics.install(theano)
    settings.install(theano)
    theano_legacy.install(theano)
    theano_compile.install(theano, _mode)
    theano_gradients.install(theano)
    theano_graphs.install(theano)
    theano_indexing.install(theano)
    theano_loops.install(theano)
    theano_rewrites.install(theano)
    theano_messages.install(theano)
    shared_storage.install(theano)
    DEFAULT_MODE = theano.config.mode  # until a program sets another
    if _warning := settings.slow_mode_warning():
        theano_compile.warn_of_mode(theano, _warning)
    lasagne = shims.import_lasagne()
    lasagne_dev.install(lasagne)
    nolearn = shims.import_nolearn()
    nolearn_batches.patch_batches(nolearn)
    nolearn_splits.patch_splits(nolearn)
    nolearn_types.patch_types(nolearn)
    nolearn_clones.patch_clones(nolearn)
    nolearn_labels.patch_labels(theano, lasagne, nolearn)
    nolearn_options.patch_options(nolearn)
    nolearn_layers.patch_layers(theano, lasagne, nolearn)
    nolearn_changes.patch_changes(nolearn)
    nolearn_functions.patch_functions(theano, lasagne, nolearn)
    nolearn_net.patch_net(nolearn, _restore)
    nolearn_sklearn.patch_params(nolearn)
    nolearn_subclasses.patch_subclasses(theano, lasagne, nolearn)
    nolearn_sklearn.patch_tags(nolearn)
    pickles.patch_pickles(theano, lasagne, nolearn, _rebuild)
