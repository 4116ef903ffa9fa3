"""Ctrl-C at a time when it does no harm."""

import contextlib
import signal
import threading

__all__ = ["ctrl_c_held_back"]


@contextlib.contextmanager
def ctrl_c_held_back():
    """Let Ctrl-C wait for the end of the block.

    A training step gives the buffers of the parameters away to their update; if it
    were broken off before it stores the new ones, the parameters would be lost.

    Notes
    -----
    Only the main thread gets signals; in others there is nothing to do.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(
        handler
    ):
        yield
        return
    pressed = []
    signal.signal(signal.SIGINT, lambda *args: pressed.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if pressed:
            handler(*pressed[0])
