"""Theano-PyMC 1.1.2, Lasagne 0.1 and nolearn 0.6.1 on today's Python and NumPy.

Importing this module imports the three packages, as they are published, and
patches in memory what has broken since.  After ``import kfkd``, the first import of one
of them imports this module (:mod:`kfkd._import_hook`):

>>> import kfkd
>>> import theano, lasagne, nolearn.lasagne

What they need only while they are imported (modules and names that are gone) is
shimmed for just that long.  What they need later is set on *their*
modules.  NumPy, SciPy, scikit-learn and the standard library stay as they are.

Everything that the age of the three packages asks for is in this package, and no
other module of the project patches anything.

Programs of 2014 to 2018 find what they used besides: shims of the names that Theano has
dropped (:mod:`kfkd.stack.theano_legacy`), and backports of what Lasagne's development
version had beyond 0.1 (:mod:`kfkd.stack.lasagne_dev`).

Settings
--------
``floatX=float32`` and ``mode=xla`` (see :mod:`kfkd.xla`) are the defaults;
``THEANO_FLAGS`` and ``~/.theanorc`` override them.  ``device=gpu0`` or
``device=cuda`` there, with which Theano chose its GPU, choose the device of
:mod:`kfkd.xla` now: see :data:`REQUESTED_DEVICE`.  Settings of Theano's own GPU back
end are accepted, and change nothing.  There is no C compiler, whatever ``cxx`` is:
``linker=cvm``, and the others that need one, mean their counterparts in Python.
"""

from kfkd import _import_hook
from kfkd.errors import StackError
from kfkd.process.memory import keep_memory
from kfkd.stack import (
    device_request,
    lasagne_dev,
    nolearn_net,
    numerics,
    pickles,
    settings,
    shims,
    theano_compile,
    theano_legacy,
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
    """Return the device that is requested now, as ``REQUESTED_DEVICE``."""
    if name == "REQUESTED_DEVICE":
        return device_request.get()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _restore(cls):
    """Make an empty net; as a function of this module, it has the stack imported."""
    return cls.__new__(cls)


def _rebuild(function, arguments):
    """Begin to make what a pickle holds; it has the stack imported, as `_restore`."""
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
    DEFAULT_MODE = theano.config.mode  # until a program sets another
    if _warning := settings.slow_mode_warning():
        theano_compile.warn_of_mode(theano, _warning)
    lasagne = shims.import_lasagne()
    lasagne_dev.install(lasagne)
    nolearn = shims.import_nolearn()
    nolearn_net.patch_net(nolearn, _restore)
    pickles.patch_pickles(theano, lasagne, nolearn, _rebuild)
