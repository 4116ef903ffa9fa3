"""Numbers, values and names that are nearly right, as messages show them."""

import difflib
import itertools
import os
import reprlib

__all__ = [
    "count",
    "duration",
    "hint",
    "nearest",
    "printable",
    "readable",
    "shown",
    "without_controls",
]


def count(n, noun):
    """Return a number of things: 1 epoch, 2 epochs, 7,049 rows."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def duration(seconds):
    """Return a time to about two figures: 40 s, 3 min, 8.5 h, 2.1 days."""
    minutes, hours, days = seconds / 60, seconds / 3600, seconds / 86400
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 90:
        return f"{minutes:.0f} min"
    return f"{hours:.2g} h" if hours < 48 else f"{days:.2g} days"


def shown(text):
    """Return a short ``repr`` of text from a file or a caller, for an error message."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return reprlib.repr(text)


def readable(path):
    """Return a path as text that UTF-8 can hold, with escapes for other bytes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def printable(path):
    """Return a path as `readable` does, without what controls a terminal."""
    return without_controls(readable(path), but="")


def without_controls(text, but="\n\t"):
    """Return a text with escapes for what would control a terminal."""
    return "".join(
        letter if letter.isprintable() or letter in but else repr(letter)[1:-1]
        for letter in text
    )


def hint(name, names):
    """Return ``" (did you mean 'x'?)"`` with the name closest to *name*, or ""."""
    near = nearest(name, names)
    return f" (did you mean {near!r}?)" if near else ""


def nearest(name, names):
    """Return the name in *names* that is closest to *name*, or None."""
    text = str(name)[:80].lower()
    lower = {str(known).lower(): known for known in names}
    # Ignore a prefix that all names share, as net1 to net12 do.
    letters = zip(*lower, text, strict=False)
    same = len([*itertools.takewhile(lambda column: len({*column}) == 1, letters)])
    start = same if len(lower) > 1 else 0
    rest = {known[start:]: known for known in lower}
    near = difflib.get_close_matches(text[start:], rest, n=1)
    return lower[rest[near[0]]] if near else None
