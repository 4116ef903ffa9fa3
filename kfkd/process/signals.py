"""Signals: Ctrl-C deferred or held, SIGTERM and SIGHUP like it, a time limit."""

import _thread
import atexit
import contextlib
import functools
import multiprocessing
import os
import signal
import threading
import time

__all__ = [
    "defer_keyboard_interrupt",
    "end_at_once_at_exit",
    "hold_signals",
    "is_signal_held",
    "raise_held_signal",
    "sigterm_as_keyboard_interrupt",
    "time_limit",
]

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
# From the third signal on, one that comes so many seconds after the first gives up.
_PATIENCE = 10


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


class _Held:
    """The signals that a `hold_signals` block has received."""

    def __init__(self, but_first):
        self.times, self.raised, self.before = [], False, {}
        self.but_first = but_first

    def hold(self, number, frame):
        """Take note of a signal; the handler within the block."""
        self.times.append(time.monotonic())
        self.latest = number
        if self.but_first:
            self.raise_once()
        if len(self.times) == 2:  # written at once: print may be under way
            os.write(2, b"\nFirst, what has been learnt is saved.\n")
        if len(self.times) > 2 and self.times[-1] - self.times[0] > _PATIENCE:
            os.write(2, b"\nGiven up: what has not been saved is lost.\n")
            self.times = self.times[-1:]  # what that causes has as much time again
            self.raised = True
            self.pass_on()

    def raise_once(self):
        """Raise KeyboardInterrupt if a signal is held, unless it has been raised."""
        if self.times and not self.raised:
            self.raised = True
            self.pass_on()

    def pass_on(self):
        """Call the handler from before the block, which raises KeyboardInterrupt."""
        held = {number: signal.getsignal(number) for number in self.before}
        self.restore()
        try:
            self.before[self.latest](self.latest, None)
        finally:
            for number, handler in held.items():
                signal.signal(number, handler)

    def restore(self):
        """Set the handlers from before the block."""
        for number, handler in self.before.items():
            signal.signal(number, handler)


_held = None  # the block that is under way


@contextlib.contextmanager
def hold_signals(but_first=False):
    """Hold Ctrl-C, SIGTERM and SIGHUP while something is made and then saved.

    Within the block, only `raise_held_signal` raises KeyboardInterrupt for them, and
    only once: what is made looks there for whether it is to end.  Others wait for the
    end of the block, unless a third one comes later than 10 s after the first.

    Parameters
    ----------
    but_first : bool, default=False
        Whether the first one is raised when it comes, for what cannot look: only the
        clearing up that it causes is not to be broken off by others.  A block within
        this one that holds all holds the first one, too.
    """
    global _held
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if _held:
        outer = _held.but_first
        _held.but_first = outer and but_first
        try:
            yield
        finally:
            _held.but_first = outer
        if outer:
            _held.raise_once()
        return
    held = _Held(but_first)
    for number in filter(None, (getattr(signal, name, None) for name in _ENDING)):
        if callable(handler := signal.getsignal(number)):  # it is neither ignored nor
            held.before[number] = handler  # the system's
    for number in held.before:
        signal.signal(number, held.hold)
    _held = held
    try:
        yield
    finally:
        _held = None
        held.restore()
    if len(held.times) > held.raised:
        held.pass_on()


def raise_held_signal():
    """Raise KeyboardInterrupt, once, if a signal is held; a thread's own is none."""
    if _held and threading.current_thread() is threading.main_thread():
        _held.raise_once()


def is_signal_held():
    """Return whether a signal is held, in whatever thread this is asked."""
    held = _held
    return bool(held and held.times)


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


@functools.cache  # as once is enough
def end_at_once_at_exit():
    """Let further signals end the process where Python is exiting already.

    All has been saved then, and they would interrupt what packages do at that time,
    each with a traceback.
    """
    # Before threads are waited for; concurrent.futures is called in this way, too.
    getattr(threading, "_register_atexit", atexit.register)(_end_at_once)


def _end_at_once():
    for number in filter(None, (getattr(signal, name, None) for name in _ENDING)):
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, _end)


def _end(number, frame):
    for child in multiprocessing.active_children():  # which would wait for work
        with contextlib.suppress(OSError):  # not by its kill(), which joblib's lack
            os.kill(child.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    os._exit(128 + number)


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
