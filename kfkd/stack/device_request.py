"""The device that THEANO_FLAGS or an old program asks for, noted for the back end.

The stack knows no back end: :mod:`kfkd.xla` reads the request, and registers what is
to be done when a program makes another.
"""

__all__ = ["get", "on_change", "put"]

_requested = None
_listeners = []


def get():
    """Return the name of the requested device, such as ``"cuda:0"``, or None."""
    return _requested


def put(name):
    """Note the requested device, and have the back end choose anew.

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
