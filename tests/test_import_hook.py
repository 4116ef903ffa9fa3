"""``import kfkd`` prepares the three packages and imports none of them."""

import importlib
import os
import subprocess
import sys
import textwrap

import pytest
from cases import parametrize

import kfkd


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


def test_the_tutorials_names():
    nets = [f"net{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 12)]
    names = [*nets, "load", "load2d", "float32", "plot_sample", "FlipBatchIterator"]
    names += ["AdjustVariable", "EarlyStopping"]
    names += ["SPECIALIST_SETTINGS", "fit_specialists"]
    assert sorted(kfkd.__all__) == sorted(names)
    for name in names:
        assert name in dir(kfkd)
        found = getattr(kfkd, name)
        home = importlib.import_module(f"kfkd.{kfkd._HOMES[name]}")
        assert found is getattr(home, name)
        assert name in home.__all__


def test_modules_are_attributes_and_other_names_are_not():
    for name in kfkd._MODULES:
        assert getattr(kfkd, name) is importlib.import_module(f"kfkd.{name}")
    with pytest.raises(AttributeError, match="module 'kfkd' has no attribute 'net13'"):
        kfkd.net13  # noqa: B018
