"""JAX's persistent compilation cache, set up for programs of mode ``"xla"``."""

import contextlib
import hashlib
import os
import platform
import warnings
from pathlib import Path

import jax

from kfkd.files.cache_folder import cache_folder
from kfkd.process.forks import fork_safe_rlock

__all__ = ["compiling", "enable_compilation_cache"]

_compiling = fork_safe_rlock()

_LARGEST = 2**28  # bytes of the whole cache, at the start of a process
_SHORT = 0.2  # seconds; what is compiled faster is not worth a file


def enable_compilation_cache():
    """Cache compiled programs in ``~/.cache/kfkd/xla``, unless JAX has a cache already.

    ``JAX_COMPILATION_CACHE_DIR`` names another folder, and
    ``JAX_ENABLE_COMPILATION_CACHE=0`` turns the cache off.

    Notes
    -----
    JAX's key of a program does not say for which kind of processor it was compiled, so
    each kind has a folder.
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
    """Return a name for the kind of processor, with a digest of its features."""
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
    """Delete the least recently used files if the cache is too large.

    JAX's own limit, ``jax_compilation_cache_max_size``, is not used.  A file that was
    written without it, or that a full disk or the end of a process cut short, stops all
    further writing (https://github.com/jax-ml/jax/issues/39880).  Reading writes files,
    too, and waits for a lock: up to 10 s for each program.
    """
    with contextlib.suppress(OSError):  # another process does the same
        stats = {path: path.stat() for path in folder.iterdir()}
        total = sum(stat.st_size for stat in stats.values())
        # Many file systems note the first access in a day only, some none.
        used = {p: max(stat.st_atime, stat.st_mtime) for p, stat in stats.items()}
        for path in sorted(used, key=used.get):
            if total <= _LARGEST:
                break
            path.unlink()
            total -= stats[path].st_size


@contextlib.contextmanager
def compiling():
    """Suppress warnings of JAX about compilation that nobody can act on.

    One thread at a time: the warnings' filters belong to all.
    """
    with _compiling, warnings.catch_warnings():
        # If an update changes a shape, the old buffer cannot be used for the new value.
        warnings.filterwarnings("ignore", "Some donated buffers were not usable")
        # A damaged file, or a full disk: the program is compiled again.
        warnings.filterwarnings("ignore", "Error .* persistent compilation cache")
        yield
