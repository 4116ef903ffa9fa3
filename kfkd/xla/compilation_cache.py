"""JAX's persistent compilation cache, set up for programs of mode ``"xla"``."""

import contextlib
import hashlib
import os
import platform
import warnings
from pathlib import Path

import jax

from kfkd.files.cache_folder import cache_folder

__all__ = ["compiling", "enable_compilation_cache"]

_LARGEST = 2**28  # bytes of the whole cache
_SHORT = 0.2  # seconds; what is compiled faster is not worth a file


def enable_compilation_cache():
    """Cache compiled programs in ``~/.cache/kfkd/xla``, unless JAX has a cache already.

    ``JAX_COMPILATION_CACHE_DIR`` names another folder, and
    ``JAX_ENABLE_COMPILATION_CACHE=0`` does without.

    Notes
    -----
    JAX's key of a program does not include the kind of processor that a program for the
    CPU is compiled for.  So each kind of processor has a folder.
    """
    if jax.config.jax_compilation_cache_dir is not None:
        return
    folder = cache_folder("xla", _processor())
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, AttributeError):  # no home folder
        return
    if not os.access(folder, os.W_OK):
        return
    _prune(folder)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", _SHORT)


def _processor():
    """Return a name of the kind of processor: the machine, and a digest of features."""
    text = platform.processor()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        known = {"model name", "flags", "Features", "CPU part"}
        text = "\n".join(
            dict.fromkeys(line for line in lines if line.split("\t")[0] in known)
        )
    digest = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
    return f"{platform.machine()}-{digest}"


def _prune(folder):
    """Delete the oldest files if the cache is too large."""
    with contextlib.suppress(OSError):  # another process does the same
        found = sorted(
            ((path.stat(), path) for path in folder.iterdir()),
            key=lambda pair: pair[0].st_mtime,
        )
        total = sum(stat.st_size for stat, _ in found)
        for stat, path in found:
            if total <= _LARGEST:
                break
            path.unlink()
            total -= stat.st_size


@contextlib.contextmanager
def compiling():
    """Suppress warnings of JAX about compilation that nobody can act on."""
    with warnings.catch_warnings():
        # An update may change a shape; its old buffer is then of no use.
        warnings.filterwarnings("ignore", "Some donated buffers were not usable")
        # A cached program that is damaged, or a full disk: it is compiled again.
        warnings.filterwarnings("ignore", "Error .* persistent compilation cache")
        yield
