"""Progress bars for what takes long, on terminals and in notebooks.

They are tqdm's, and go to standard error, so that standard output holds results alone.
Where nobody watches, as in a log or a pipe, there are none. ``TQDM_DISABLE=1`` in the
environment switches them off everywhere.
"""

import contextlib
import os
import sys
import threading
import warnings

__all__ = ["Bar", "in_notebook", "is_shown", "keep_apart", "write"]

# Seconds after which a bar appears: what is over by then needs none.
_DELAY = 1.0
# Seconds between two drawings where nothing else happens, so that the clock goes on.
_TICK = 1.0
_CLOCK = "{desc} [{elapsed}]"
# As tqdm has it, without the speed.
_COUNT = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
_open = set()


def in_notebook():
    """Return whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython and ipython.get_ipython(), "kernel")


def keep_apart():
    """Return whether bars keep apart from printed lines, and from each other.

    They do on terminals, and as widgets. In a notebook without ipywidgets they are
    text, which lines that are printed meanwhile would break up.
    """
    if not in_notebook():
        return True
    return any(kind.__module__ == "tqdm.notebook" for kind in _tqdm().__mro__)


def is_shown():
    """Return whether somebody can see bars."""
    if os.environ.get("TQDM_DISABLE", "0") not in ("", "0"):
        return False
    with contextlib.suppress(AttributeError, ValueError):  # it is None, or closed
        return in_notebook() or sys.stderr.isatty()
    return False


def write(text, file=None):
    """Print a text, by default on standard output, and keep it apart from bars."""
    file = file or sys.stdout
    if _open and not in_notebook():  # where bars have a place of their own
        _tqdm().write(text, file=file)
        file.flush()
    else:
        print(text, file=file, flush=True)


def _tqdm():
    """Return the kind of bars that suits; imported late, as most work needs none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a notebook has no ipywidgets
        from tqdm.auto import tqdm
    return tqdm


class Bar:
    """A bar, or a clock, that goes on moving while it waits for news.

    It does nothing where nobody can see it. As a context manager it closes itself.

    Parameters
    ----------
    description : str
    total : int, optional
        How many there are to do; without it there is a clock only.
    shown : bool, default=True
        Whether it is wanted at all.
    delay : float, optional
        Seconds until it appears.
    speed : bool, default=True
        Whether it shows how many are done a second. A note beside it may need the room.
    **options
        Of ``tqdm.tqdm``, such as ``unit`` and ``initial``.
    """

    def __init__(
        self, description, total=None, *, shown=True, delay=None, speed=True, **options
    ):
        self._bar = None
        if not (shown and is_shown()):
            return
        try:
            kind = _tqdm()
        except ImportError:  # the doctor runs without it, too
            return
        delay = _DELAY if delay is None else delay
        if total is None or not speed:
            options["bar_format"] = _CLOCK if total is None else _COUNT
        options = dict(leave=False, dynamic_ncols=True) | options
        self._bar = kind(desc=description, total=total, delay=delay, **options)
        self._closed = threading.Event()
        self._ticker = threading.Thread(target=self._tick, args=(delay,), daemon=True)
        self._ticker.start()
        _open.add(self)

    def _tick(self, delay):
        wait = delay or _TICK
        with contextlib.suppress(OSError):  # the terminal is gone
            while not self._closed.wait(wait):
                self._bar.refresh()
                wait = _TICK

    def update(self, n=1, note=None):
        """Count what has been done, and show a note beside it."""
        if self._bar is not None:
            if note is not None:
                self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(n)

    def reset(self):
        """Begin again, with the clock at zero."""
        if self._bar is not None:
            self._bar.reset()

    def close(self):
        """Remove the bar, or leave it as it is if it has ``leave=True``."""
        if self._bar is None:
            return
        self._closed.set()
        self._ticker.join()  # else it could draw the bar once more
        _open.discard(self)
        if not self._bar.leave:
            self._bar.total = self._bar.n  # less is a failure to tqdm's notebooks
            self._bar.clear()  # which tqdm does not if only the clock has moved
        self._bar.close()
        self._bar = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
