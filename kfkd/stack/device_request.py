"""The device that THEANO_FLAGS or an old program asks for, noted for the back end.

The stack knows no back end: :mod:`kfkd.xla` reads the request, and registers a function
that is called when a program makes another.
"""

import re

__all__ = ["get", "on_change", "put", "translate"]

_requested = None
_listeners = []


def translate(name):
    """Return what `kfkd.xla` calls a device of Theano's: ``"cuda:1"`` for gpu1.

    None if Theano has no device of that name.
    """
    if name == "cpu":
        return name
    gpu = re.fullmatch(r"(?:gpu|cuda)(\d*)", name)
    return gpu and "cuda" + (gpu[1] and f":{gpu[1]}")


def get():
    """Return the name of the requested device, such as ``"cuda:0"``, or None."""
    return _requested


def put(name):
    """Note the requested device, and make the back end choose again.

    Raises
    ------
    DeviceError
        If the back end is loaded, and there is no such device.
    """
    global _requested
    _requested = name
    for listener in _listeners:
        listener()


def on_change(listener):
    """Register a function to be called after each request."""
    _listeners.append(listener)
    return listener
