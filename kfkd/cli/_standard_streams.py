"""Standard output and error whose failures do not abort a command."""

import contextlib
import os
import sys

__all__ = ["tolerate_broken_stdout"]


class _TolerantStream:
    """Stream that becomes silent when its reader is gone or its disk is full.

    Attributes
    ----------
    error : OSError or None
        Why it is silent.
    """

    def __init__(self, stream):
        self._stream, self.error = stream, None
        if getattr(stream, "errors", None) == "strict":
            stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, text):
        """Write a text, unless the reader is gone."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._silence(error)
            return len(text)

    def flush(self):
        """Flush the stream, unless its reader is gone."""
        try:
            self._stream.flush()
        except OSError as error:
            self._silence(error)

    def _silence(self, error):
        self.error = error
        # What is still in the buffers goes there, too.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self._stream.fileno())
        os.close(null)


@contextlib.contextmanager
def tolerate_broken_stdout():
    """Tolerate failures to write to standard output and error in the block.

    A training whose output goes to ``| head``, to a terminal that is closed, or to a
    log on a full disk continues and saves its net.  Characters that the terminal cannot
    show are written as escapes.

    Yields
    ------
    object
        Its attribute ``error`` is the OSError that has silenced standard output, or
        None.
    """
    with contextlib.ExitStack() as stack:
        if sys.stdout is None or sys.stderr is None:  # closed, as by `>&-`
            null = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
        out, err = (
            _TolerantStream(stream or null) for stream in (sys.stdout, sys.stderr)
        )
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        try:
            yield out
        finally:
            out.flush()
            err.flush()
