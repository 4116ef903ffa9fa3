"""Theano's settings: the user's own, and below them those of kfkd."""

import configparser
import contextlib
import os
import re

__all__ = ["get_settings"]


def _user_settings():
    """Return what the user has set: THEANO_FLAGS and, below it, .theanorc."""
    files = os.environ.get("THEANORC", "~/.theanorc").split(os.pathsep)
    parser = configparser.RawConfigParser(strict=False)
    with contextlib.suppress(configparser.Error, UnicodeError):
        parser.read(os.path.expanduser(name) for name in files)
    settings = dict(parser["global"]) if parser.has_section("global") else {}
    settings = {"floatX" if k == "floatx" else k: v for k, v in settings.items()}
    for flag in os.environ.get("THEANO_FLAGS", "").split(","):
        name, equals, value = flag.strip().partition("=")
        if equals:
            settings[name.strip()] = value.strip()
    return settings


_DEFAULTS = {
    "floatX": "float32",
    "mode": "xla",
    # No C compiler, hence no BLAS to link to: graphs are run elsewhere.
    "cxx": "",
    "blas__ldflags": "",
}
# What is left of Theano's linkers without a C compiler.
_PYTHON_LINKERS = {
    "c": "py",
    "c|py": "py",
    "c|py_nogc": "py",
    "cvm": "vm",
    "cvm_nogc": "vm_nogc",
}


def get_settings():
    """Return THEANO_FLAGS for the import, the mode, and the GPU asked for, if any."""
    settings = _DEFAULTS | _user_settings()
    mode = settings["mode"].lower()
    if mode == "xla":
        # Theano knows the name only later, and would find it in .theanorc by itself.
        settings["mode"] = "Mode"
    else:
        mode = None
    if "linker" in settings and not settings["cxx"]:
        linker = settings["linker"]
        settings["linker"] = _PYTHON_LINKERS.get(linker, linker)
    gpu = re.fullmatch(r"(?:gpu|cuda)(\d*)", settings.get("device", ""))
    settings["device"] = "cpu" if gpu else settings.get("device", "cpu")
    device = gpu and "cuda" + (gpu[1] and f":{gpu[1]}")
    return ",".join(f"{name}={value}" for name, value in settings.items()), mode, device
