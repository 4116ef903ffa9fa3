"""Scripts of old, run as Python runs them, but with the stack imported before."""

import importlib.machinery
import io
import linecache
import os
import pkgutil
import runpy
import sys
import textwrap
import types

__all__ = ["run_code", "run_module", "run_script"]

# Whose frames come before those of the script in its traceback.
_OURS = {
    __file__,
    os.path.join(os.path.dirname(__file__), "__main__.py"),
    runpy.run_module.__code__.co_filename,
}


class _Arguments(list):
    """The ``sys.argv`` of a script.

    Processes of multiprocessing that are not forked unpickle it before they import
    the script, and to do so, they import this module, and with it the stack.
    """


def run_script(path, arguments):
    """Run a file as ``python path arguments...`` does.

    Parameters
    ----------
    path : str
        A file with source code, or a folder or zip file with a ``__main__.py``.
    arguments : list of str
        What ``sys.argv`` has after the path.

    Raises
    ------
    SystemExit
        With status 2, and a message, if the file cannot be read.
    """
    name = os.path.abspath(path)
    if pkgutil.get_importer(name) is not None:
        _leave_folder()
        _run(_Arguments([path, *arguments]), runpy.run_path, name, run_name="__main__")
        return
    try:
        with io.open_code(name) as file:
            source = file.read()
    except OSError as error:
        print(f"{sys.executable}: can't open file {name!r}: {error}", file=sys.stderr)
        sys.exit(2)
    _leave_folder(os.path.dirname(os.path.realpath(path)))
    loader = importlib.machinery.SourceFileLoader("__main__", name)
    attributes = {"__file__": name, "__loader__": loader}
    if sys.version_info < (3, 15):
        attributes["__cached__"] = None
    _run(_Arguments([path, *arguments]), _execute, source, name, attributes)


def run_module(name, arguments):
    """Run a module as ``python -m name arguments...`` does."""
    _run(
        _Arguments(["-m", *arguments]),
        runpy.run_module,
        name,
        run_name="__main__",
        alter_sys=True,
    )


def run_code(code, arguments):
    """Run code as ``python -c code arguments...`` does."""
    _leave_folder("")
    if sys.version_info >= (3, 14):
        code = textwrap.dedent(code)
    loader = importlib.machinery.BuiltinImporter
    attributes = {"__loader__": loader}
    _run(_Arguments(["-c", *arguments]), _execute, code, "<string>", attributes)


def _leave_folder(*instead):
    """Take the current folder, which `python -m` puts there, out of sys.path."""
    if not sys.flags.safe_path:
        sys.path[:1] = instead


def _execute(source, name, attributes):
    """Run source code in a new module ``__main__``, which stays to the end."""
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    vars(main).update(attributes, __builtins__=sys.modules["builtins"])
    code = compile(source, name, "exec", dont_inherit=True)
    if isinstance(source, str):
        _keep_source(code, source)
    exec(code, vars(main))


def _keep_source(code, source):
    """Have tracebacks show lines of code that is in no file, where `python -c` does."""
    register = getattr(linecache, "_register_code", None)  # which came with 3.13
    if register is not None:
        # As the interpreter does it: early releases of 3.13 take the file's name.
        by_code = register.__code__.co_varnames[0] == "code"
        register(code if by_code else code.co_filename, source, code.co_filename)


def _run(arguments, function, *args, **kwargs):
    """Call a function that runs the script; let tracebacks begin in the script."""
    sys.argv = arguments
    try:
        function(*args, **kwargs)
    except SystemExit:
        raise
    except BaseException:
        report = sys.excepthook  # which may be the script's own

        def report_theirs(kind, error, traceback):
            traceback = _theirs(traceback)
            report(kind, error.with_traceback(traceback), traceback)

        sys.excepthook = report_theirs
        raise


def _theirs(traceback):
    """Return a traceback without the frames that lead to the script."""
    while traceback and traceback.tb_frame.f_code.co_filename in _OURS:
        traceback = traceback.tb_next
    return traceback
