"""Location of the user's cache folder; all in it can be deleted at any time."""

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder(*names):
    """Return ``$XDG_CACHE_HOME/kfkd/...``, else ``~/.cache/kfkd/...``.

    It is not created. None if there is no home folder.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # which the XDG specification says to ignore
        base = os.path.expanduser("~/.cache")
    return Path(base, "kfkd", *names) if os.path.isabs(base) else None
