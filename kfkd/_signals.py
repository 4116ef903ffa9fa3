"""Ctrl-C and SIGTERM at a time when they do no harm."""

import contextlib
import signal
import threading

__all__ = ["ctrl_c_held_back", "sigterm_like_ctrl_c"]


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


@contextlib.contextmanager
def sigterm_like_ctrl_c():
    """Let SIGTERM end what is in the block as Ctrl-C does: by a KeyboardInterrupt.

    Yields
    ------
    list
        Empty until SIGTERM comes.

    Notes
    -----
    Where Ctrl-C is ignored, as in what a shell has started in the background, it still
    is.
    """
    received = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def ignore_ctrl_c(signum, frame):
        if received:
            raise KeyboardInterrupt

    def terminate(signum, frame):
        received.append(signum)
        signal.getsignal(signal.SIGINT)(signal.SIGINT, frame)

    on_ctrl_c = signal.getsignal(signal.SIGINT)
    if not callable(on_ctrl_c):
        signal.signal(signal.SIGINT, ignore_ctrl_c)
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, on_ctrl_c)
