"""Signals: Ctrl-C deferred, SIGTERM and SIGHUP handled like it, a time limit."""

import _thread
import contextlib
import signal
import threading

__all__ = ["defer_keyboard_interrupt", "sigterm_as_keyboard_interrupt", "time_limit"]


@contextlib.contextmanager
def defer_keyboard_interrupt():
    """Defer Ctrl-C to the end of the block.

    A training step gives the buffers of the parameters away to their update; if it
    were broken off before it stores the new ones, the parameters would be lost.  Only
    the main thread gets signals; in others there is nothing to do.
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
def sigterm_as_keyboard_interrupt():
    """Raise KeyboardInterrupt in the block on SIGTERM and SIGHUP.

    Yields a list that is empty until one of them comes, and then holds its number.
    Where Ctrl-C is ignored, as in what a shell has started in the background, it still
    is, and so is SIGHUP, as under ``nohup``.
    """
    received = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def ignore_ctrl_c(signum, frame):
        if received:
            raise KeyboardInterrupt

    def end(signum, frame):
        received.append(signum)
        signal.getsignal(signal.SIGINT)(signal.SIGINT, frame)

    before = {signal.SIGINT: signal.getsignal(signal.SIGINT)}
    if not callable(before[signal.SIGINT]):
        signal.signal(signal.SIGINT, ignore_ctrl_c)
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and signal.getsignal(number) != signal.SIG_IGN:
            before[number] = signal.signal(number, end)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def time_limit(minutes):
    """End the block by a SIGTERM of our own after so many minutes, or None for never.

    Yields a ``threading.Event`` that is set when that has happened.
    """
    over = threading.Event()

    def end():
        over.set()
        _thread.interrupt_main(signal.SIGTERM)

    clock = threading.Timer(60 * (minutes or 0), end)
    clock.daemon = True
    if minutes is not None:
        clock.start()
    try:
        yield over
    finally:
        clock.cancel()
