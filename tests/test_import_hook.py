"""``import kfkd`` prepares the three packages and imports none of them."""

import ast
import importlib
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import kfkd
from kfkd._names import HOMES, INSTEAD
from tests.helpers.cases import parametrize


def run(code, *arguments, status=0, **environment):
    """Run code in a process of its own; return its output."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


HEAVY = ["jax", "matplotlib", "nolearn", "numpy", "pandas", "sklearn", "theano"]


@pytest.mark.process
def test_importing_and_parsing_bring_nothing_along():
    run(
        f"""
        import contextlib, io, runpy, sys
        import kfkd
        from kfkd.__main__ import COMMANDS, main

        for name in COMMANDS:
            for arguments in (["--help"], ["--no-such-option"]):
                with (
                    contextlib.redirect_stdout(io.StringIO()),
                    contextlib.redirect_stderr(io.StringIO()),
                    contextlib.suppress(SystemExit),
                ):
                    main([name, *arguments])
        assert not [name for name in {HEAVY} if name in sys.modules]
        """
    )


@pytest.mark.process
@parametrize(
    "statements",
    [
        "import lasagne",
        "import nolearn.lasagne",
        "from theano.tensor import nnet",
        "import kfkd.data, kfkd.xla",
    ],
    fast=["from theano.tensor import nnet"],
)
def test_the_packages_may_be_imported_in_any_order(statements):
    printed = run(
        f"""
        import sys, kfkd
        {statements}
        import theano, lasagne, nolearn.lasagne
        for package in (theano, lasagne, nolearn):
            assert sys.modules[package.__name__] is package
            assert package.__spec__.origin == package.__file__, package.__spec__
            assert package.__spec__.loader is package.__loader__
        assert not [f for f in sys.meta_path if type(f).__module__.startswith("kfkd")]
        x = theano.tensor.vector()
        print(theano.function([x], x.sum())([1, 2]), theano.config.mode)
        """
    )
    assert printed == "3.0 xla\n"


# What each thread imports first; they all begin at once.
THREADS = """
import importlib, sys, threading
import kfkd

names = sys.argv[1:]
start, errors = threading.Barrier(len(names)), []

def work(name):
    start.wait()
    try:
        importlib.import_module(name)
        import lasagne, nolearn.lasagne, theano
        lasagne.layers.DenseLayer, nolearn.lasagne.NeuralNet, theano.tensor.nnet.relu
    except BaseException as error:
        errors.append(f"{name}: {error!r}")

threads = [threading.Thread(target=work, args=[n], daemon=True) for n in names]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(300)
print(errors, any(thread.is_alive() for thread in threads))
"""


@pytest.mark.process
@parametrize(
    "first", ["lasagne.updates", "theano.compile.mode"], fast=["lasagne.updates"]
)
def test_threads_may_import_them_at_the_same_time(first):
    names = ["theano", "nolearn.lasagne", "lasagne.layers", "kfkd.xla", "kfkd.stack"]
    assert run(THREADS, first, *names) == "[] False\n"


@pytest.mark.process
def test_a_package_that_was_imported_before_is_an_error():
    printed = run(
        """
        import sys, types
        sys.modules["theano"] = types.ModuleType("theano")
        import kfkd
        """,
        status=1,
    )
    assert "StackError: theano was imported before kfkd" in printed
    assert "Put `import kfkd` before `import theano`" in printed


@pytest.mark.process
@pytest.mark.slow
def test_after_an_import_that_failed_the_next_begins_anew():
    # As Theano fails by itself without kfkd, and leaves modules behind.
    printed = run(
        """
        import os, sys, types
        sys.modules["theano.tensor"] = types.ModuleType("theano.tensor")
        import kfkd
        os.environ["THEANO_FLAGS"] = "floatX=float17"
        for attempt in range(2):
            try:
                import theano
            except ValueError as error:
                print(type(error).__name__, "theano" in sys.modules)
        os.environ["THEANO_FLAGS"] = "floatX=float64"
        import theano.tensor
        print(theano.tensor.vector().dtype)
        """
    )
    assert printed == "SettingsError False\nSettingsError False\nfloat64\n"


@pytest.mark.process
def test_a_package_that_is_missing_is_named():
    printed = run(
        """
        import importlib.metadata

        def version(name):
            raise importlib.metadata.PackageNotFoundError(name)

        importlib.metadata.version = version
        import kfkd, lasagne
        """,
        status=1,
    )
    assert "StackError: kfkd needs theano-pymc 1.1.2, which is not insta" in printed


def test_the_tutorials_names_and_one_more_net():
    nets = [f"net{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 12)]
    names = [*nets, "load", "load2d", "float32", "plot_sample", "FlipBatchIterator"]
    names += ["AdjustVariable", "EarlyStopping", "NeuralNet", "BatchIterator"]
    names += ["SPECIALIST_SETTINGS", "fit_specialists", "modern"]
    names += ["plot_learning_curves", "plot_weights"]
    assert sorted(kfkd.__all__) == sorted(names)
    for name in names:
        found = getattr(kfkd, name)
        home = importlib.import_module(HOMES[name])
        assert found is getattr(home, name)
        assert name in getattr(home, "__all__", vars(home))


def test_type_checkers_know_the_tutorials_names():
    tree = ast.parse(Path(kfkd.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    found = [
        (alias.name, alias.asname, node.module)
        for node in block.body
        for alias in node.names
    ]
    # "as" makes a name public to type checkers.
    assert sorted(found) == sorted((name, name, home) for name, home in HOMES.items())


# What a reader of the tutorial may look for: all that its code defines or imports.
PAGE = Path(__file__).resolve().parent.parent / "docs" / "tutorial-today.md"


def names_of_the_tutorial():
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    found = set()
    for block in blocks:
        for node in ast.parse(textwrap.dedent(block)).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                found |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.Assign):
                nodes = [n for target in node.targets for n in ast.walk(target)]
                found |= {n.id for n in nodes if isinstance(n, ast.Name)}
    return found


def test_each_name_of_the_tutorial_is_there_or_has_another():
    in_passing = {"X_flipped", "_", "ax", "df", "fig", "sample1", "sample2"}
    in_passing |= {"y_pred", "y_pred1", "y_pred2"}
    of_the_page = {"faces", "kfkd"}
    found = names_of_the_tutorial() - in_passing - of_the_page
    assert {"FTRAIN", "NeuralNet", "float32", "net8", "pickle", "pyplot"} <= found
    assert found <= HOMES.keys() | INSTEAD.keys()


def test_other_names_of_the_tutorial_say_what_to_use():
    for name in INSTEAD:
        assert not hasattr(kfkd, name)
        with pytest.raises(ImportError, match=f"^kfkd has no {name}: "):
            exec(f"from kfkd import {name}")
    with pytest.raises(AttributeError, match=r"kfkd has no FTRAIN: kfkd\.data\.find"):
        kfkd.FTRAIN  # noqa: B018
    with pytest.raises(ImportError, match=r": import numpy as np$"):
        from kfkd import np  # noqa: F401
    with pytest.raises(ImportError, match="cannot import name 'net13'"):
        from kfkd import net13  # noqa: F401


def test_what_they_say_is_there():
    for text in INSTEAD.values():
        for module, name in re.findall(r"kfkd\.(\w+)\.(\w+)", text):
            assert name in importlib.import_module(f"kfkd.{module}").__all__
        for statement in re.findall(r"imports it: (.*)", text):
            exec(statement, {})


def test_modules_are_attributes_and_other_names_are_not():
    for name in kfkd._MODULES:
        assert getattr(kfkd, name) is importlib.import_module(f"kfkd.{name}")
    with pytest.raises(AttributeError, match="module 'kfkd' has no attribute 'net13'"):
        kfkd.net13  # noqa: B018


def test_public_names_alone_are_listed():
    assert dir(kfkd) == sorted([*kfkd.__all__, *kfkd._MODULES, "__version__"])
    assert not [n for n in dir(kfkd) if n.startswith("_") and n != "__version__"]
