"""Modules that have moved: ``theano.gof``, ``scan_module``, ``compat`` and others."""

import collections
import contextlib
import functools
import importlib
import sys
import warnings

import numpy as np
import six

from kfkd.stack.shims import install_module, make_absent, public_names

__all__ = ["install"]

# Old modules, and the modules that hold their names now; all of them in theano.
_MOVED = {
    "gof": (
        "graph.basic graph.op graph.opt graph.optdb graph.fg graph.type "
        "graph.params_type graph.destroyhandler graph.utils graph.toolbox link.basic "
        "link.vm link.c.basic"
    ),
    "gof.graph": "graph.basic graph.toolbox graph.fg",
    "gof.op": "graph.op link.c.interface graph.utils",
    "gof.opt": "graph.opt",
    "gof.link": "link.basic link.utils",
    "gof.vm": "link.vm",
    "gof.cc": "link.c.basic link.c.interface link.c.cmodule",
    "gof.utils": "graph.utils graph.type utils",
    "gof.type": "graph.type link.c.interface",
    "gof.callcache": "graph.callcache",
    "gof.destroyhandler": "graph.destroyhandler",
    "gof.fg": "graph.fg",
    "gof.null_type": "graph.null_type",
    "gof.optdb": "graph.optdb",
    "gof.params_type": "graph.params_type",
    "gof.sched": "graph.sched",
    "gof.toolbox": "graph.toolbox",
    "gof.unify": "graph.unify",
    "scan_module": "scan.basic scan.utils",
    "scan_module.scan_op": "scan.op",
    "scan_module.scan_opt": "scan.opt",
    "scan_module.scan_utils": "scan.utils",
    "scan_module.scan_views": "scan.views",
    "compile.function_module": "compile.function.types",
    "compile.pfunc": "compile.function.pfunc",
    "sandbox.softsign": "tensor.nnet",
    "sandbox.blocksparse": "tensor.nnet.blocksparse",
}
_RENAMED = {"PureOp": "Op", "Optimizer": "GlobalOptimizer", "VM_Linker": "VMLinker"}
# Modules that are gone, and what to use instead of what they had.
_STREAMS = (
    "use theano.sandbox.rng_mrg.MRG_RandomStreams, or "
    "theano.tensor.shared_randomstreams.RandomStreams."
)
_GONE = {
    "theano.tensor.nnet.Conv3D": (
        "use theano.tensor.nnet.conv3d(V.dimshuffle(0, 4, 1, 2, 3), "
        "W.dimshuffle(0, 4, 1, 2, 3), subsample=d, filter_flip=False), add "
        "b.dimshuffle('x', 0, 'x', 'x', 'x'), and put the channels back at the end."
    ),
    "theano.tensor.nnet.ConvTransp3D": (
        "use theano.tensor.nnet.abstract_conv.conv3d_grad_wrt_inputs."
    ),
    "theano.tensor.randomstreams": _STREAMS,
    "theano.tensor.raw_random": _STREAMS,
    "theano.gof.cmodule": "there is no C compiler, and nothing to be compiled by one.",
    "theano.sandbox.neighbourhoods": "use theano.tensor.nnet.neighbours.",
}


def _debug_assert(condition, msg=None):
    """Raise AssertionError, or warn where missing test values are a warning, too."""
    if not condition:
        if importlib.import_module("theano").config.compute_test_value == "warn":
            warnings.warn(msg or "debug_assert failed", stacklevel=2)
        else:
            raise AssertionError(msg or "debug_assert failed")


def _listed(generate):
    """Return a function that returns a list, where it returns a generator today."""

    @functools.wraps(generate)
    def listed(*args, **kwargs):
        return list(generate(*args, **kwargs))

    return listed


def _install_moved():
    sources = {
        old: [importlib.import_module(f"theano.{name}") for name in names.split()]
        for old, names in _MOVED.items()
    }
    for old, modules in sources.items():
        held = {}
        for module in reversed(modules):
            held |= public_names(module)
        held |= {name: held[new] for name, new in _RENAMED.items() if new in held}
        install_module(f"theano.{old}", **held)


def _install_lock():
    """Install the lock of compiled C code, of which there is none."""
    install_module(
        "theano.gof.compilelock",
        force_unlock=lambda: None,
        get_lock=lambda lock_dir=None, **options: None,
        lock_ctx=lambda *args, **options: contextlib.nullcontext(),
        release_lock=lambda: None,
    )


def _install_compat():
    compat = dict(
        PY3=True,
        Counter=collections.Counter,
        OrderedDict=collections.OrderedDict,
        DefaultOrderedDict=collections.defaultdict,
        defaultdict=collections.defaultdict,
        Callable=collections.abc.Callable,
        izip=zip,
        imap=map,
        ifilter=filter,
        all=all,
        any=any,
        b=lambda text: text.encode("latin1"),
        cmp=lambda a, b: (a > b) - (a < b),
        decode=lambda data: data.decode("latin1"),
        encode=lambda text: text.encode("latin1"),
        exc_message=str,
        get_unbound_function=lambda method: getattr(method, "__func__", method),
    )
    install_module("theano.compat", **compat)
    install_module("theano.compat.python2x", **compat)
    # Theano had a copy of it.
    sys.modules["theano.compat.six"] = sys.modules["theano.compat"].six = six
    sys.modules["theano.compat.six.moves"] = six.moves


def _install_tests(theano):
    """Install what programs used of ``theano.tests``."""

    def fetch_seed(pseed=None):
        return 666 if pseed is None else pseed

    def seed_rng(pseed=None):
        seed = fetch_seed(pseed)
        np.random.seed(seed)  # noqa: NPY002  (from which such programs draw)
        return seed

    def verify_grad(op, pt, n_tests=2, rng=None, *args, **kwargs):
        rng = np.random if rng is None else rng
        return theano.gradient.verify_grad(op, pt, n_tests, rng, *args, **kwargs)

    gone = "the tests of Theano are not part of Theano-PyMC 1.1.2."
    make_absent("theano.tests", gone)
    make_absent(
        "theano.tests.unittest_tools",
        gone,
        fetch_seed=fetch_seed,
        seed_rng=seed_rng,
        verify_grad=verify_grad,
        assert_allclose=np.testing.assert_allclose,
    )


def install(theano):
    """Install the modules that have moved, and errors for those that are gone."""
    _install_moved()
    gof, graph, basic = theano.gof, theano.gof.graph, theano.graph.basic
    graph.inputs = _listed(basic.graph_inputs)
    graph.variables = _listed(basic.vars_between)
    graph.ancestors = _listed(basic.ancestors)
    graph.orphans = _listed(basic.orphans_between)
    graph.ops = lambda i, o: set(basic.applys_between(i, o))
    op = theano.graph.op
    for module in (gof, gof.op):
        module.get_debug_values = op.get_test_values
        module.debug_error_message = op.missing_test_message
        module.debug_assert = _debug_assert
    for module in (gof, gof.op):  # which had the files with C code for this one
        module.COp = theano.graph.op.ExternalCOp
    theano.scan_module.scan = theano.scan
    theano.scan_module.until = theano.scan_module.scan_utils.until
    theano.scan_utils = theano.scan_module.scan_utils
    _install_lock()
    _install_compat()
    _install_tests(theano)
    for name, instead in _GONE.items():
        make_absent(name, instead)
