"""The user's cache folder, where everything can be deleted at any time."""

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder(*names):
    """Return ``$XDG_CACHE_HOME/kfkd/...``, else ``~/.cache/kfkd/...``, unmade.

    None where there is no home folder.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # to be ignored, says the XDG specification
        base = os.path.expanduser("~/.cache")
    return Path(base, "kfkd", *names) if os.path.isabs(base) else None
