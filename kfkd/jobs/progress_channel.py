"""Progress channel: reports of workers to the process that waits for their results.

That process opens a `ProgressChannel` and sends its `sender` along with the work. A
worker on another machine cannot reach it, and works without reporting.  One on the same
machine that cannot has lost that process, and ends.

A manager of ``multiprocessing`` would need one more process: one that outlives a killed
parent, and that a script can only start under ``if __name__ == "__main__"``. A listener
in a thread needs neither.
"""

import contextlib
import os
import secrets
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Client,
    Listener,
    answer_challenge,
    deliver_challenge,
)

__all__ = ["ProgressChannel", "ProgressSender"]

_MOST = 128  # connections at a time, and others that may wait: each report is one
_CLOSED = (ConnectionError, EOFError, FileNotFoundError)  # how a closed channel answers


class ProgressChannel:
    """Receive reports of workers, and number the workers.

    Parameters
    ----------
    listener : callable
        Called with the name of the work and a dict. It is called in threads of the
        channel, or by the work itself where that runs in this process. If it raises
        KeyboardInterrupt, so does `ProgressSender.send` of whoever reports.
    local : bool
        Whether all workers are on this machine.
    """

    def __init__(self, listener, local=False):
        self._listener = listener
        self._places, self._lock, self._closed = {}, threading.Lock(), False
        self._free = threading.Semaphore(_MOST)
        self._key = key = secrets.token_bytes()
        try:
            self._server = Listener(backlog=_MOST)
        except OSError:  # the path of the temporary folder is too long for a socket
            self._server = Listener(("127.0.0.1", 0), backlog=_MOST)
        self.sender = ProgressSender(listener, self._server.address, key, local)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        with self._server:
            while not self._closed:
                if not self._free.acquire(timeout=1):
                    continue  # unless it has been closed meanwhile
                try:
                    connection = self._server.accept()
                    # In a thread, as the other side may say nothing for ever.
                    threading.Thread(
                        target=self._receive, args=(connection,), daemon=True
                    ).start()
                except Exception:  # such as too many open files
                    self._free.release()

    def _receive(self, connection):
        # A worker may be killed at any point of this, and others may connect.  One that
        # gets no answer is interrupted.
        with contextlib.suppress(Exception, KeyboardInterrupt), connection:
            deliver_challenge(connection, self._key)
            answer_challenge(connection, self._key)
            worker, *report = connection.recv()
            with self._lock:
                place = self._places.setdefault(worker, len(self._places))
            if report:  # shown before the answer, so that the worker's next comes later
                with contextlib.suppress(Exception):  # such as a closed standard output
                    self._listener(*report)
            connection.send(place)
        self._free.release()

    def close(self):
        """Stop receiving. Work that still sends reports is interrupted."""
        self._closed = True
        with contextlib.suppress(OSError), Client(self._server.address):
            pass  # so that it stops waiting
        self._thread.join()


class ProgressSender:
    """Send reports to a `ProgressChannel`, from the process that unpickles it.

    Attributes
    ----------
    place : int or None
        After `connect`: the number of this worker, so that each can take a device of
        its own. None in the process of the channel, and where it cannot be reached.
    local : bool
        As for the channel.
    """

    def __init__(self, listener, address, key, local):
        self._listener, self._address, self._key = listener, address, key
        self._pid = os.getpid()
        self.place, self.local = None, local

    def __getstate__(self):
        return self.__dict__ | {"_listener": None}

    @property
    def in_same_process(self):
        """Whether this is the process of the channel."""
        return os.getpid() == self._pid

    @property
    def reached(self):
        """Whether the channel has been reached, and so is on the same machine."""
        return self.in_same_process or self.place is not None

    def connect(self):
        """Find out whether the channel can be reached, and number the worker.

        Raises
        ------
        KeyboardInterrupt
            If it has been closed, or its process killed: only a local worker can tell.
        """
        if self._listener is not None:
            return
        with contextlib.suppress(OSError, AuthenticationError, EOFError):
            try:
                self.place = self._ask((os.getpid(),))
            except _CLOSED:
                if self.local:
                    raise KeyboardInterrupt from None
                raise

    def send(self, name, **news):
        """Report on some work.

        Raises
        ------
        KeyboardInterrupt
            If the channel has been closed, so that nobody waits for the result, or the
            listener raises it.
        """
        if self._listener is not None:
            self._listener(name, news)
        elif self.place is not None:
            try:
                self._ask((os.getpid(), name, news))
            except _CLOSED:
                raise KeyboardInterrupt from None
            except OSError:  # such as too many open files; the work is still wanted
                pass

    def _ask(self, message):
        with Client(self._address, authkey=self._key) as connection:
            connection.send(message)
            return connection.recv()
