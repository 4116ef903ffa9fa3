"""The process that has started this one, which may be killed before it."""

import os
import threading
import time

__all__ = ["end_with_parent"]

_PERIOD = 1  # seconds


def end_with_parent(busy):
    """End this process once its parent has ended, but not while a lock is held.

    An idle worker of joblib would wait five minutes more, with all its memory.  Where
    the system tells nobody that a parent has ended, as on Windows, it does.

    Parameters
    ----------
    busy : threading.Lock
        Held by work whose end is awaited, as it may have something to save.
    """
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            time.sleep(_PERIOD)
        with busy:
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
