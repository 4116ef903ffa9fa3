"""Lists of callbacks, as nolearn takes them."""

__all__ = ["listed"]


def listed(callbacks):
    """Return a list of callbacks, of which nolearn takes a single one, or None."""
    if callbacks is None:
        return []
    return callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
