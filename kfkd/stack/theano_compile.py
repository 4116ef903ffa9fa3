"""Patches of how Theano's graphs are built and compiled."""

import functools
import importlib
import os
import sys
import types
import warnings

import numpy as np

from kfkd.process.forks import fork_safe_rlock
from kfkd.stack.settings import MODES

__all__ = ["install", "level_of_program", "warn_of_mode"]


def install(theano, mode):
    """Patch Theano's compilation, and set the mode unless it is None."""
    _patch_modes(theano, mode)
    _patch_cache(theano)
    _patch_scan(theano)
    _patch_threads(theano)
    _patch_updates(theano)


class _Registry(dict):
    """Theano's modes or linkers by name.  Naming one of ours imports :mod:`kfkd.xla`.

    That registers both; it imports JAX as well, which takes long.
    """

    def __contains__(self, name):
        if name in MODES and not super().__contains__(name):
            # A plug-in, loaded by name: the stack itself knows no back end.  JAX draws
            # from NumPy's generator, of which programs that are seeded must not know.
            state = np.random.get_state()  # noqa: NPY002
            importlib.import_module("kfkd.xla")
            np.random.set_state(state)  # noqa: NPY002
        return super().__contains__(name)

    def __missing__(self, name):
        if name in self:
            return self[name]
        raise KeyError(name)


def _patch_modes(theano, mode):
    """Register the mode ``"xla"``, and accept any registered mode in the settings.

    Theano accepts a fixed list of names, and keeps the first default mode after
    ``config.mode`` has changed.
    """
    modes = sys.modules["theano.compile.mode"]
    for name in ("predefined_modes", "predefined_linkers"):
        registry = _Registry(getattr(modes, name))
        for module in (theano, theano.compile, modes):
            setattr(module, name, registry)
    parameter = theano.config._config_var_dict["mode"]
    parameter._apply = functools.partial(_mode, parameter._apply)
    if mode:
        theano.config.mode = mode


# Functions of the module, since programs may pickle theano.config.


def _mode(accept, value):
    modes = sys.modules["theano.compile.mode"]
    modes.instantiated_default_mode = None
    # Ours need not be registered: settings are made before anything is compiled.
    registered = isinstance(value, str) and (
        value in MODES or value in modes.predefined_modes
    )
    return value if registered else accept(value)


def warn_of_mode(theano, message):
    """Warn when a program first compiles a function in the user's default mode.

    kfkd's own nets never do so, and a program that names the mode itself is not warned.
    """
    modes, mode = sys.modules["theano.compile.mode"], theano.config.mode
    get_mode = modes.get_mode

    @functools.wraps(get_mode)
    def get_mode_and_warn(name):
        if name is None and theano.config.mode == mode:
            modes.get_mode = get_mode
            warnings.warn(message, stacklevel=level_of_program())
        return get_mode(name)

    modes.get_mode = get_mode_and_warn


def level_of_program():
    """Return the stacklevel at which the program has called Theano."""
    level, frame = 1, sys._getframe(1)
    ours = ("kfkd", "lasagne", "nolearn", "theano")
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] in ours:
        level, frame = level + 1, frame.f_back
    return level


def _folder(path):
    return os.path.realpath(os.path.expanduser(path))


def _patch_cache(theano):
    """Create no folder for compiled C code.

    Reading its name created it, and profiling a function read it.
    """

    def module_from_key(key, lnk):
        raise theano.link.c.exceptions.MissingGXX(
            "there is no C compiler: choose another linker or mode"
        )

    cache = types.SimpleNamespace(refresh=lambda: None, module_from_key=module_from_key)
    theano.link.c.basic.get_module_cache = lambda init_args=None: cache
    theano.config._config_var_dict["compiledir"]._apply = _folder


def _patch_scan(theano):
    """Evaluate the steps of a scan in Theano where Theano evaluates the scan.

    `Scan.perform` passes values from step to step in storage that functions of other
    linkers neither read nor write, whatever the default mode is.
    """
    Scan = sys.modules["theano.scan.op"].Scan  # theano.scan is the function
    own = theano.link.basic.LocalLinker, theano.link.basic.WrapLinker
    make_thunk = Scan.make_thunk

    @functools.wraps(make_thunk)
    def make_own_thunk(self, *args, **kwargs):
        if not isinstance(self.mode_instance.linker, own):
            self.mode_instance = theano.compile.mode.get_mode("FAST_RUN").clone(
                link_kwargs={"allow_gc": self.allow_gc}
            )
        return make_thunk(self, *args, **kwargs)

    Scan.make_thunk = make_own_thunk


def _patch_threads(theano):
    """Serialize compilation across threads, and calls of the same function.

    Theano changes settings while it compiles, and restores them.  A second thread
    would save the changed ones and restore those: errors would not name the lines of
    the user's program any more.  A call stores its arguments where the function finds
    them, and a second thread would replace them.
    """
    types = theano.compile.function.types
    FunctionMaker, Function = types.FunctionMaker, types.Function
    lock = fork_safe_rlock()

    def alone(method):
        @functools.wraps(method)
        def locked(*args, **kwargs):
            with lock:
                return method(*args, **kwargs)

        return locked

    init, call = Function.__init__, Function.__call__

    @functools.wraps(init)
    def init_with_lock(self, *args, **kwargs):
        self._calling = fork_safe_rlock()
        init(self, *args, **kwargs)

    @functools.wraps(call)
    def call_alone(self, *args, **kwargs):
        with self._calling:
            try:
                return call(self, *args, **kwargs)
            except TypeError as error:
                _explain_float(theano, error)
                raise

    Function.__init__ = init_with_lock
    Function.__call__ = call_alone
    FunctionMaker.__init__ = alone(FunctionMaker.__init__)
    FunctionMaker.create = alone(FunctionMaker.create)


def _explain_float(theano, error):
    """Add to an error that says that float64 does not fit what can be done about it."""
    if theano.config.floatX == "float32" and "value of dtype float64" in str(error):
        error.add_note(
            "floatX is float32 here. A program that relies on Theano's own default "
            "runs with THEANO_FLAGS=floatX=float64"
        )


def _patch_updates(theano):
    """Take dicts of updates without a warning: they are ordered today."""
    for name in ("theano.compile.function", "theano.updates"):
        sys.modules[name].OrderedDict = dict  # for which warnings look
