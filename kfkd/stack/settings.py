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

__all__ = [
    "explained",
    "get_settings",
    "patch_settings",
    "slow_mode_warning",
    "source",
    "user_settings",
]


# How Theano's own GPU back ends were to be compiled, and were to use a GPU.
_GONE_SECTIONS = ("cublas", "cuda", "dnn", "gpuarray", "magma", "nvcc", "pycuda")
_GONE = ("lib__cnmem", "enable_initial_driver_test", "print_active_device")
# What Theano would still act upon, and find in .theanorc by itself.  Its C code does
# not go with today's Python and NumPy, whichever compiler there is.
_OFF = {"contexts": "", "cxx": "", "force_device": "False", "init_gpu_device": ""}


def _is_gone(name):
    """Whether a setting is for a GPU back end that is gone, and changes nothing."""
    return name in _GONE or name.partition("__")[0] in _GONE_SECTIONS


def user_settings():
    """Return what the user has set: THEANO_FLAGS and, below it, .theanorc.

    Returns
    -------
    dict
        For each name its value, and where it is set: ``"THEANO_FLAGS"`` or the path of
        a file.  Settings of GPU back ends that are gone are left out.
    """
    settings = {}
    for path in _files():
        parser = configparser.RawConfigParser(strict=False)
        with contextlib.suppress(configparser.Error, UnicodeError):
            parser.read(path)
        options = parser["global"] if parser.has_section("global") else {}
        for name, value in options.items():
            name = "floatX" if name == "floatx" else name
            # Python 2 took what follows as a comment.
            value = re.split(r"\s;", value, maxsplit=1)[0].rstrip()
            settings[name] = value, path
    for flag in _flags():
        name, equals, value = flag.strip().partition("=")
        if equals:
            # As `config.scan.allow_gc` and the like are called now.
            name = name.strip().replace(".", "__")
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
    """Return the paths of Theano's files of settings, as Theano finds them."""
    names = os.environ.get("THEANORC")
    if names is not None:
        names = names.split(os.pathsep)
    else:
        names = ["~/.theanorc"] + ["~/.theanorc.txt"] * (sys.platform == "win32")
    return [os.path.expanduser(name) for name in names]


def source(name):
    """Return where the user has set a setting, as `user_settings`, or None."""
    return user_settings().get(name, (None, None))[1]


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
    """Return THEANO_FLAGS for the import, the mode, and the GPU asked for, if any.

    Raises
    ------
    SettingsError
        THEANO_FLAGS has an open quotation, or there is no such device.
    """
    own = {name: value for name, (value, _) in user_settings().items()}
    settings = _DEFAULTS | own
    settings |= {name: off for name, off in _OFF.items() if name in settings}
    mode = settings["mode"].lower()
    if mode == "xla":
        # Theano knows the name only later, and would find it in .theanorc by itself.
        settings["mode"] = "Mode"
    else:
        mode = None
    if "linker" in settings:
        linker = settings["linker"]
        settings["linker"] = _PYTHON_LINKERS.get(linker, linker)
    asked = settings.get("device", "cpu")
    gpu = re.fullmatch(r"(?:gpu|cuda)(\d*)", asked)
    if not gpu and asked != "cpu":
        raise SettingsError(
            f"{asked!r} is no device; they are called cpu, gpu, gpu0, gpu1, and so on. "
            f"Change device={asked} in {source('device')}{_hint(asked)}"
        )
    settings["device"] = "cpu"
    device = gpu and "cuda" + (gpu[1] and f":{gpu[1]}")
    # Theano takes quotes, commas and what follows a # for what they are in a shell.
    flags = [
        f"{name}={value and shlex.quote(value)}" for name, value in settings.items()
    ]
    return ",".join(flags), mode, device


def _hint(value):
    """Return what may be wrong with a value, or nothing."""
    return "; a comment needs a line of its own" if re.search("[#;]", value) else ""


class _Section:
    """The settings whose names begin in one way, which Theano 1.0 had with dots."""

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


def patch_settings(theano):
    """Accept the old names of settings, and reject those that programs cannot change.

    What is set in a section, such as ``config.scan.allow_gc``, went nowhere.
    """
    config = theano.config
    known = config._config_var_dict
    sections = {name.partition("__")[0] for name in known if "__" in name}
    for name in sections | {"lib", *_GONE_SECTIONS}:
        if name not in known:
            setattr(type(config), name, _Section(config, name))
    device, linker = known["device"], known["linker"]
    Device = type(device)
    set_value = Device.__set__

    def __set__(self, config, value):
        if self is not device:
            set_value(self, config, value)
        elif value != self.val:
            raise RuntimeError(
                f"theano.config.device cannot become {value!r} in a program: start it "
                f"with THEANO_FLAGS=device={value} (or KFKD_DEVICE, which is cpu, cuda "
                "or cuda:N), or leave it out: a GPU that is there is used"
            )

    Device.__set__ = __set__
    linker._apply = functools.partial(_linker, linker._apply, config)


def _linker(accept, config, value):
    return accept(value if config.cxx else _PYTHON_LINKERS.get(value, value))


@contextlib.contextmanager
def explained():
    """Raise one SettingsError for what is wrong, without Theano's traceback."""
    try:
        yield
    except Exception as error:
        files = [os.path.basename(frame.filename) for frame in _frames(error)]
        if not {"configdefaults.py", "configparser.py"} & {*files[-2:]}:
            raise
        problem = str(error).rstrip(". ").replace("\n", " ")
    else:
        return
    raise SettingsError(
        f"Theano does not take its settings: {problem}. Change {_places(problem)}"
        + ("; kfkd's own mode is xla" if source("mode") else "")
    ) from None


def _frames(error):
    return traceback.extract_tb(error.__traceback__)


def _places(problem):
    """Return the setting that a problem names, or else where there are any."""
    own = user_settings()

    def is_told(text):
        return text and re.search(rf"(?<!\w){re.escape(text)}(?!\w)", problem)

    # Theano tells the name and the value, or the value alone.
    named = [name for name in own if is_told(name)]
    named = named or [name for name, (value, _) in own.items() if is_told(value)]
    if named:
        name = named[0]
        value, where = own[name]
        return f"{name}={value} in {where}{_hint(value)}"
    places = {where: None for _, where in own.values()}
    files = {path: None for path in _files() if os.path.exists(path)}
    return " or ".join([*(files | places)]) or "THEANO_FLAGS or .theanorc"


def slow_mode_warning():
    """Return the warning for programs if the user's mode is slow, else ""."""
    mode, where = user_settings().get("mode", ("xla", None))
    if mode.lower() == "xla":
        return ""
    return (
        f"{where} sets mode={mode}, with which Theano evaluates by itself, in Python: "
        "this takes many times as long as kfkd's own mode. Take `mode` out of "
        f"{where}, or start the program with THEANO_FLAGS=mode=xla"
    )
