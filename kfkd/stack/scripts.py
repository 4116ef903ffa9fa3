"""Old scripts, run as Python runs them, but with the stack imported before."""

import ast
import importlib.machinery
import io
import linecache
import operator
import os
import pkgutil
import re
import runpy
import sys
import textwrap
import types

from kfkd._import_hook import namesakes
from kfkd.stack import settings

__all__ = ["Arguments", "run_code", "run_module", "run_script"]

# Files whose frames come before those of the script in its traceback.
_OURS = {__file__, runpy.run_module.__code__.co_filename}

# What a script says that knows of other dtypes than Theano's default, float64.
_KNOWS_DTYPES = re.compile(
    r"floatX|float32|float16|\bf(scalar|vector|row|col|matrix|matrices|tensor[345])s?\b"
)


class Arguments(list):
    """The ``sys.argv`` of a script.

    A process of multiprocessing that is not forked unpickles it before it imports the
    script.  Unpickling it sets up the stack.

    Parameters
    ----------
    arguments : list of str
    path : list of str
        ``sys.path`` without the script's own folder.
    """

    def __init__(self, arguments, path):
        super().__init__(arguments)
        self.path = path

    def __reduce__(self):
        return operator.getitem, (_Worker(self), "arguments")


class _Worker:
    """Object that runs :mod:`kfkd.stack._worker` when it is unpickled."""

    def __init__(self, arguments):
        self.variables = {"path": arguments.path, "arguments": [*arguments]}

    def __reduce__(self):
        file = os.path.join(os.path.dirname(__file__), "_worker.py")
        return runpy.run_path, (file, self.variables)


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
        As from Python, with a message, if the file cannot be read or the folder has
        no ``__main__.py``.
    """
    name = os.path.abspath(path)
    importer = pkgutil.get_importer(name)
    if importer is not None:
        if importer.find_spec("__main__") is None:
            print(
                f"{sys.executable}: can't find '__main__' module in {path!r}",
                file=sys.stderr,
            )
            sys.exit(1)
        _leave_folder()
        _run([path, *arguments], runpy.run_path, name, run_name="__main__")
        return
    try:
        with io.open_code(name) as file:
            source = file.read()
    except OSError as error:
        print(f"{sys.executable}: can't open file {name!r}: {error}", file=sys.stderr)
        sys.exit(2)
    file = os.path.realpath(path)
    _leave_folder(os.path.dirname(file))
    _warn_of_namesakes(file, source)
    _choose_float(source)
    loader = importlib.machinery.SourceFileLoader("__main__", name)
    attributes = {"__file__": name, "__loader__": loader}
    if sys.version_info < (3, 15):
        attributes["__cached__"] = None
    _run([path, *arguments], _execute, source, name, attributes)


def run_module(name, arguments):
    """Run a module as ``python -m name arguments...`` does."""
    _leave_folder(os.getcwd())
    _run(
        ["-m", *arguments],
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
    _choose_float(code)
    loader = importlib.machinery.BuiltinImporter
    attributes = {"__loader__": loader}
    _run(["-c", *arguments], _execute, code, "<string>", attributes)


def _leave_folder(*instead):
    """Replace the entry that `python -m` or the command `kfkd` put into sys.path."""
    if not sys.flags.safe_path:
        sys.path[:1] = instead


def _choose_float(source):
    """Set ``floatX`` to float64, Theano's default, for a script that does not know it.

    A script that names it, or float32, runs with kfkd's default, float32, unless the
    user's settings say otherwise.
    """
    if settings.source("floatX"):
        return
    text = source.decode("utf-8", "replace") if isinstance(source, bytes) else source
    if not _KNOWS_DTYPES.search(text):
        settings.set_float("float64")


def _warn_of_namesakes(script, source):
    """Warn of files beside a script that its imports do not get.

    They have the name of a package that is imported already.  A script that has such a
    name itself means the package.
    """
    folder = os.path.dirname(script)
    for package, name in namesakes(folder):
        file = os.path.join(folder, name)
        imported = getattr(sys.modules[package], "__file__", None)
        if any(f and os.path.samefile(file, f) for f in (script, imported)):
            continue
        if package in _imported(source):
            print(
                f"{script}: `import {package}` means the installed package here, "
                f"not {file}; if that is meant, give it another name",
                file=sys.stderr,
            )


def _imported(source):
    """Return the names of the packages and modules that source code imports."""
    try:
        nodes = [*ast.walk(ast.parse(source))]
    except (SyntaxError, ValueError):  # reported when it is run
        return set()
    names = [a.name for n in nodes if isinstance(n, ast.Import) for a in n.names]
    names += [n.module for n in nodes if isinstance(n, ast.ImportFrom) and not n.level]
    return {name.partition(".")[0] for name in names}


def _execute(source, name, attributes):
    """Run source code in a new module ``__main__``."""
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    vars(main).update(attributes, __builtins__=sys.modules["builtins"])
    code = compile(source, name, "exec", dont_inherit=True)
    if isinstance(source, str):
        _keep_source(code, source)
    exec(code, vars(main))


def _keep_source(code, source):
    """Register code that is in no file for tracebacks, where `python -c` does."""
    register = getattr(linecache, "_register_code", None)  # which came with 3.13
    if register is not None:
        # As the interpreter does it: early releases of 3.13 take the file's name.
        by_code = register.__code__.co_varnames[0] == "code"
        register(code if by_code else code.co_filename, source, code.co_filename)


def _run(arguments, function, *args, **kwargs):
    """Call a function that runs the script; let tracebacks begin in the script."""
    sys.argv = Arguments(arguments, sys.path[0 if sys.flags.safe_path else 1 :])
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
    begin = traceback
    while begin and begin.tb_frame.f_code is not _run.__code__:
        begin = begin.tb_next  # beyond what has called this module
    traceback = begin or traceback
    while traceback and traceback.tb_frame.f_code.co_filename in _OURS:
        traceback = traceback.tb_next
    return traceback
