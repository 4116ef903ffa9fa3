"""Lists of callbacks, as nolearn takes them."""

__all__ = ["listed"]


def listed(callbacks):
    """Return a list of callbacks, of which nolearn takes a single one too."""
    return callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
