"""Import hook: the first import of Theano, Lasagne or nolearn sets up the stack.

So ``import kfkd`` is fast, and after it a program may import the three packages in any
order.
"""

import contextlib
import importlib.machinery
import os
import sys
import threading

from kfkd.errors import StackError

__all__ = ["PACKAGES", "bypassed", "install", "namesakes"]

PACKAGES = ("theano", "lasagne", "nolearn")


def namesakes(folder):
    """Yield each package that a file in *folder* would shadow, with the file's name."""
    for package in ("kfkd", *PACKAGES):
        for file in (f"{package}.py", f"{package}/__init__.py"):
            if os.path.exists(os.path.join(folder, file)):
                yield package, file


class _Finder:
    """Meta path finder of the three packages, until the stack is set up."""

    def __init__(self):
        self.bypassing_thread = self.set_up = None

    def find_spec(self, name, path=None, target=None):
        if name not in PACKAGES or threading.get_ident() == self.bypassing_thread:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        # If the package is not installed, the loader raises the error that says so.
        spec = found or importlib.machinery.ModuleSpec(name, None, is_package=True)
        spec.loader = _Loader()
        return spec


class _Loader:
    """Loader that sets up the stack, and returns the package that it has imported."""

    def create_module(self, spec):
        with _import_locks_released():
            _finder.set_up()
        module = sys.modules[spec.name]
        self._spec = module.__spec__
        return module

    def exec_module(self, module):
        # It has been executed; the import system has replaced its spec by ours.
        module.__spec__ = self._spec
        module.__loader__ = self._spec.loader


_finder = _Finder()


def install(set_up):
    """Install the hook, unless it is installed or the stack is set up.

    Parameters
    ----------
    set_up : callable
        Imports :mod:`kfkd.stack`.

    Raises
    ------
    StackError
        If one of the packages has been imported already, without its patches.
    """
    if "kfkd.stack" in sys.modules or _finder in sys.meta_path:
        return
    for name in PACKAGES:
        if name in sys.modules:
            raise StackError(
                f"{name} was imported before kfkd, which has to patch it. Put "
                f"`import kfkd` before `import {name}`, and restart Python."
            )
    _finder.set_up = set_up
    sys.meta_path.insert(0, _finder)


@contextlib.contextmanager
def bypassed():
    """Let imports find the packages themselves within the block.

    After it, the hook is gone.  If the block fails, the hook stays and the packages are
    unloaded, so that the next import starts from the beginning.
    """
    _unload()
    _finder.bypassing_thread = threading.get_ident()
    try:
        yield
        if _finder in sys.meta_path:
            sys.meta_path.remove(_finder)
    except BaseException:
        _unload()
        raise
    finally:
        _finder.bypassing_thread = None


def _unload():
    """Unload the packages, parts of which a failed import leaves behind."""
    for name in list(sys.modules):
        if name.partition(".")[0] in PACKAGES:
            del sys.modules[name]


@contextlib.contextmanager
def _import_locks_released():
    """Release this thread's import locks on modules of the packages within the block.

    The thread that sets up the stack needs them.  Another thread that kept them while
    it waits for the stack would be a deadlock.  Python has no public interface to these
    locks; the tests of this module import in threads.
    """
    me, released = threading.get_ident(), []
    for name, reference in list(importlib._bootstrap._module_locks.items()):
        lock = reference()
        if lock is not None and name.partition(".")[0] in PACKAGES:
            while lock.owner == me:
                lock.release()
                released.append(lock)
    try:
        yield
    finally:
        for lock in released:
            lock.acquire()
