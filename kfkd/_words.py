"""Numbers as messages say them."""

__all__ = ["count", "duration"]


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
