"""Theano's settings: the user's own, and below them those of kfkd."""

import configparser
import contextlib
import functools
import os
import re
import shlex
import sys
import traceback

from kfkd.errors import SettingsError
from kfkd.stack import device_request

__all__ = [
    "explained",
    "get_settings",
    "install",
    "set_float",
    "slow_mode_warning",
    "source",
    "user_settings",
]


# Settings of Theano's own GPU back ends, which change nothing now.
_GONE_SECTIONS = ("cublas", "cuda", "dnn", "gpuarray", "magma", "nvcc", "pycuda")
_GONE = ("lib__cnmem", "enable_initial_driver_test", "print_active_device")
# Those of the XLA back end.  The second makes a program for each shape.
MODES = ("xla", "xla_static")

_DEFAULTS = {"floatX": "float32", "mode": "xla", "blas__ldflags": ""}
# What the user's settings cannot change.  Theano's C code does not compile with today's
# Python and NumPy, whichever compiler there is.
_FIXED = {
    "contexts": "",
    "cxx": "",
    "device": "cpu",
    "force_device": "False",
    "init_gpu_device": "",
    # About errors of versions that are gone; the code that warns fails.
    "warn__inc_subtensor1_opt": "False",
    "warn__reduce_join": "False",
    "warn__subtensor_merge_bug": "False",
    # Python would compute what is fused element by element.
    "tensor__local_elemwise_fusion": "False",
}
# Linkers that need a C compiler, and those that replace them.
_PYTHON_LINKERS = {
    "c": "py",
    "c|py": "py",
    "c|py_nogc": "py",
    "cvm": "vm",
    "cvm_nogc": "vm_nogc",
}


def _is_gone(name):
    return name in _GONE or name.partition("__")[0] in _GONE_SECTIONS


def user_settings():
    """Return the user's settings, from THEANO_FLAGS and, where it has none, .theanorc.

    Returns
    -------
    dict
        For each name a tuple: its value, and where it is set, ``"THEANO_FLAGS"`` or the
        path of a file.  Settings of Theano's own GPU back ends are left out.
    """
    settings = {}
    for path in _files():
        parser = configparser.RawConfigParser(strict=False)
        with contextlib.suppress(configparser.Error, UnicodeError):
            parser.read(path)
        options = parser["global"] if parser.has_section("global") else {}
        for name, value in options.items():
            name = "floatX" if name == "floatx" else name
            # As in Python 2, where this began a comment.
            value = re.split(r"\s;", value, maxsplit=1)[0].rstrip()
            settings[name] = value, path
    for flag in _flags():
        name, equals, value = flag.strip().partition("=")
        if equals:
            name = name.strip().replace(".", "__")  # Theano 1.0 had dots
            settings[name] = value.strip(), "THEANO_FLAGS"
    return {name: entry for name, entry in settings.items() if not _is_gone(name)}


def _flags():
    """Return the parts of THEANO_FLAGS, which may be quoted."""
    flags = shlex.shlex(os.environ.get("THEANO_FLAGS", ""), posix=True)
    flags.whitespace, flags.whitespace_split, flags.commenters = ",", True, ""
    try:
        return list(flags)
    except ValueError as error:
        raise SettingsError(
            f"Theano's settings cannot be read: {error}. Change THEANO_FLAGS"
        ) from None


def _files():
    """Return the paths of the files in which Theano looks for settings."""
    names = os.environ.get("THEANORC")
    if names is not None:
        names = names.split(os.pathsep)
    else:
        names = ["~/.theanorc"] + ["~/.theanorc.txt"] * (sys.platform == "win32")
    return [os.path.expanduser(name) for name in names]


def source(name):
    """Return where the user has set *name*: THEANO_FLAGS, a path, or None."""
    return user_settings().get(name, (None, None))[1]


def set_float(dtype):
    """Set ``floatX``, also for processes that this one starts."""
    sys.modules["theano"].config.floatX = dtype
    flags = os.environ.get("THEANO_FLAGS")
    os.environ["THEANO_FLAGS"] = ",".join(filter(None, (flags, f"floatX={dtype}")))


def get_settings():
    """Return THEANO_FLAGS for the import, the mode to set later, and the GPU requested.

    The last two may be None.

    Raises
    ------
    SettingsError
        If THEANO_FLAGS has an open quotation, or there is no such device.
    """
    own = {name: value for name, (value, _) in user_settings().items()}
    settings = _DEFAULTS | own | _FIXED
    mode = settings["mode"].lower()
    mode = mode if mode in MODES else None
    if mode:
        # Theano knows xla only later, and would find it in .theanorc by itself.
        settings["mode"] = "Mode"
    if "linker" in settings:
        linker = settings["linker"]
        settings["linker"] = _PYTHON_LINKERS.get(linker, linker)
    asked = own.get("device", "cpu")
    device = device_request.translate(asked)
    if device is None:
        raise SettingsError(
            f"{asked!r} is not a device; devices are called cpu, gpu, gpu0, gpu1, and "
            f"so on. Change device={asked} in {source('device')}{_hint(asked)}"
        )
    # Theano splits and unquotes the flags as a shell does.
    flags = [
        f"{name}={value and shlex.quote(value)}" for name, value in settings.items()
    ]
    return ",".join(flags), mode, None if device == "cpu" else device


def _hint(value):
    """Return a hint if a value seems to have a comment behind it, else ""."""
    return "; a comment needs a line of its own" if re.search("[#;]", value) else ""


class _Section:
    """A section of settings such as ``config.scan``, as Theano 1.0 had them."""

    def __init__(self, config, name):
        vars(self).update(_config=config, _name=name)

    def __getattr__(self, name):
        name = f"{self._name}__{name}"
        known = self._config._config_var_dict
        if name in known:
            return getattr(self._config, name)
        if any(other.startswith(f"{name}__") for other in known):
            return _Section(self._config, name)
        raise AttributeError(
            f"there is no setting {name.replace('__', '.')}"
            + (": Theano's own GPU back end is gone" if _is_gone(name) else "")
        )

    def __setattr__(self, name, value):
        name = f"{self._name}__{name}"
        if name in self._config._config_var_dict:
            setattr(self._config, name, value)
        elif not _is_gone(name):
            raise AttributeError(f"there is no setting {name.replace('__', '.')}")


def install(theano):
    """Accept former names of settings, and refuse another device in a program.

    What is set in a section, such as ``config.scan.allow_gc``, had no effect.
    """
    config = theano.config
    known = config._config_var_dict
    sections = {name.partition("__")[0] for name in known if "__" in name}
    for name in sections | {"lib", *_GONE_SECTIONS}:
        if name not in known:
            setattr(type(config), name, _Section(config, name))
    device, linker = known["device"], known["linker"]
    device._apply, device._mutable = _refuse_device, True
    linker._apply = functools.partial(_linker, linker._apply)


# Functions of the module, since programs may pickle theano.config.


def _refuse_device(value):
    if value != "cpu":  # which it is, whatever the user's settings are
        raise RuntimeError(
            f"theano.config.device cannot become {value!r} in a program: start it "
            f"with THEANO_FLAGS=device={value} (or KFKD_DEVICE, which is cpu, cuda "
            "or cuda:N), or leave it out: a GPU that is there is used"
        )
    return value


def _linker(accept, value):
    return accept(_PYTHON_LINKERS.get(value, value))


@contextlib.contextmanager
def explained():
    """Raise Theano's errors on settings as a SettingsError that names the setting."""
    try:
        yield
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)[-2:]
        files = {os.path.basename(frame.filename) for frame in frames}
        if not files & {"configdefaults.py", "configparser.py"}:
            raise
        problem = str(error).rstrip(". ").replace("\n", " ")
        mode = "; kfkd's own mode is xla" if source("mode") else ""
        raise SettingsError(
            f"Theano does not take its settings: {problem}. "
            f"Change {_places(problem)}{mode}"
        ) from None


def _places(problem):
    """Return the setting that an error names, else all places that have settings."""
    own = user_settings()

    def is_in_error(text):
        return text and re.search(rf"(?<!\w){re.escape(text)}(?!\w)", problem)

    # The error has the name and the value, or the value alone.
    named = [name for name in own if is_in_error(name)]
    named = named or [name for name, (value, _) in own.items() if is_in_error(value)]
    if named:
        value, where = own[named[0]]
        return f"{named[0]}={value} in {where}{_hint(value)}"
    files = [path for path in _files() if os.path.exists(path)]
    places = dict.fromkeys([*files, *(where for _, where in own.values())])
    return " or ".join(places) or "THEANO_FLAGS or .theanorc"


def slow_mode_warning():
    """Return the warning for programs if the user's mode is slow, else ""."""
    mode, where = user_settings().get("mode", ("xla", None))
    if mode.lower() in MODES:
        return ""
    return (
        f"{where} sets mode={mode}, with which Theano evaluates by itself, in Python: "
        "this takes many times as long as kfkd's own mode. Take `mode` out of "
        f"{where}, or start the program with THEANO_FLAGS=mode=xla"
    )
