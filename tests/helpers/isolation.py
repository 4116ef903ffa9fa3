"""Isolate the tests from the user's home folder, caches and settings.

To be imported before anything that reads them. Processes that tests start inherit it.
"""

import os
import tempfile
from importlib import metadata
from pathlib import Path

from packaging.version import Version

# What the tests themselves can be asked for.
OPTIONS = {"KFKD_CASES", "KFKD_TEST_LABELS", "KFKD_TEST_LOOKUP"}
_SETTINGS = ("KFKD_", "THEANO", "MPL", "XDG_", "TQDM_")
# The width and the colours of help texts.
_TERMINAL = {"COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "PYTHON_COLORS"}

# Each worker of pytest-xdist has its own: JAX may read a program that another process
# has half written.
home = tempfile.TemporaryDirectory(prefix="kfkd-tests-")

for name in set(os.environ) - OPTIONS:
    if name.startswith(_SETTINGS) or name in _TERMINAL:
        del os.environ[name]
os.environ |= {
    "HOME": home.name,
    "USERPROFILE": home.name,
    # Tests may change HOME; what is slow to make again stays.
    "JAX_COMPILATION_CACHE_DIR": str(Path(home.name, "programs")),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    "MPLCONFIGDIR": str(Path(home.name, "matplotlib")),
}

# These log with each kept program that the processor lacks what is no feature of one.
if Version(metadata.version("jax")) < Version("0.10.2"):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
