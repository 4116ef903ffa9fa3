"""Modules that have moved: ``theano.gof``, ``scan_module``, ``compat`` and others."""

import collections
import functools
import importlib
import inspect
import io
import itertools
import pickle
import queue
import sys

import numpy as np

from kfkd.stack.shims import install_module, make_absent, make_module, public_names

__all__ = ["install"]

# Old modules: where their names are now, and which of these have changed.
_MOVED = {
    "theano.gof": (
        [
            "theano.graph.basic",
            "theano.graph.op",
            "theano.graph.opt",
            "theano.graph.optdb",
            "theano.graph.fg",
            "theano.graph.type",
            "theano.graph.params_type",
            "theano.graph.destroyhandler",
            "theano.graph.utils",
            "theano.graph.toolbox",
            "theano.link.basic",
            "theano.link.vm",
            "theano.link.c.basic",
        ],
        {"PureOp": "Op", "Optimizer": "GlobalOptimizer", "VM_Linker": "VMLinker"},
    ),
    "theano.gof.graph": (
        ["theano.graph.basic", "theano.graph.toolbox", "theano.graph.fg"],
        {"inputs": "graph_inputs", "variables": "vars_between"},
    ),
    "theano.gof.op": (
        ["theano.graph.op", "theano.link.c.interface", "theano.graph.utils"],
        {"PureOp": "Op"},
    ),
    "theano.gof.opt": (["theano.graph.opt"], {"Optimizer": "GlobalOptimizer"}),
    "theano.gof.link": (["theano.link.basic", "theano.link.utils"], {}),
    "theano.gof.vm": (["theano.link.vm"], {"VM_Linker": "VMLinker"}),
    "theano.gof.cc": (
        ["theano.link.c.basic", "theano.link.c.interface", "theano.link.c.cmodule"],
        {},
    ),
    "theano.gof.utils": (
        ["theano.graph.utils", "theano.graph.type", "theano.utils"],
        {},
    ),
    "theano.gof.type": (["theano.graph.type", "theano.link.c.interface"], {}),
    **{
        f"theano.gof.{name}": ([f"theano.graph.{name}"], {})
        for name in (
            "callcache",
            "destroyhandler",
            "fg",
            "null_type",
            "optdb",
            "params_type",
            "sched",
            "toolbox",
            "unify",
        )
    },
    "theano.scan_module": (["theano.scan.basic", "theano.scan.utils"], {}),
    "theano.scan_module.scan_op": (["theano.scan.op"], {}),
    "theano.scan_module.scan_opt": (["theano.scan.opt"], {}),
    "theano.scan_module.scan_utils": (["theano.scan.utils"], {}),
    "theano.scan_module.scan_views": (["theano.scan.views"], {}),
    "theano.compile.function_module": (["theano.compile.function.types"], {}),
    "theano.compile.pfunc": (["theano.compile.function.pfunc"], {}),
    "theano.sandbox.softsign": (["theano.tensor.nnet"], {}),
    "theano.sandbox.blocksparse": (["theano.tensor.nnet.blocksparse"], {}),
}
_TESTS = "the tests of Theano are not part of Theano-PyMC 1.1.2."
_CONV3D = (
    "use theano.tensor.nnet.conv3d(V.dimshuffle(0, 4, 1, 2, 3), "
    "W.dimshuffle(0, 4, 1, 2, 3), subsample=d, filter_flip=False), add b.dimshuffle("
    "'x', 0, 'x', 'x', 'x'), and put the channels back at the end."
)
_GONE = {
    "theano.tensor.nnet.Conv3D": _CONV3D,
    "theano.tensor.nnet.ConvTransp3D": (
        "use theano.tensor.nnet.abstract_conv.conv3d_grad_wrt_inputs."
    ),
    "theano.tensor.randomstreams": (
        "use theano.sandbox.rng_mrg.MRG_RandomStreams, or "
        "theano.tensor.shared_randomstreams.RandomStreams."
    ),
    "theano.tensor.raw_random": (
        "use theano.sandbox.rng_mrg.MRG_RandomStreams, or "
        "theano.tensor.shared_randomstreams.RandomStreams."
    ),
    "theano.gof.cmodule": "there is no C compiler, and nothing to be compiled by one.",
    "theano.sandbox.neighbourhoods": "use theano.tensor.nnet.neighbours.",
}


def _listed(function):
    """Return a function that returns a list, as it did, and no generator."""

    @functools.wraps(function)
    def listed(*args, **kwargs):
        return list(function(*args, **kwargs))

    return listed


def _local_optimizer(local_optimizer):
    """Accept rewrites that are functions of the node alone, too."""

    @functools.wraps(local_optimizer)
    def lenient(*args, **kwargs):
        decorate = local_optimizer(*args, **kwargs)

        def decorate_either(function):
            if len(inspect.signature(function).parameters) > 1:
                return decorate(function)

            @functools.wraps(function)
            def of_node(fgraph, node):
                return function(node)

            del of_node.__wrapped__
            return decorate(of_node)

        return decorate_either

    return lenient


def _install_moved():
    for old, (places, renamed) in _MOVED.items():
        module = make_module(old)
        for place in reversed(places):
            vars(module).update(public_names(sys.modules[place]))
        for name, new in renamed.items():
            vars(module)[name] = vars(module)[new]
        install_module(module)


def _install_compat():
    compat = make_module(
        "theano.compat",
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
    install_module(compat)
    install_module(make_module("theano.compat.python2x", **public_names(compat)))
    six = make_module(
        "theano.compat.six",
        PY2=False,
        PY3=True,
        BytesIO=io.BytesIO,
        StringIO=io.StringIO,
        integer_types=(int,),
        string_types=(str,),
        text_type=str,
        binary_type=bytes,
        iteritems=lambda mapping: iter(mapping.items()),
        iterkeys=lambda mapping: iter(mapping.keys()),
        itervalues=lambda mapping: iter(mapping.values()),
        with_metaclass=lambda meta, *bases: meta("temporary", bases, {}),
    )
    install_module(six)
    install_module(
        make_module(
            "theano.compat.six.moves",
            cPickle=pickle,
            cStringIO=io.StringIO,
            StringIO=io.StringIO,
            filter=filter,
            input=input,
            map=map,
            queue=queue,
            range=range,
            reduce=functools.reduce,
            xrange=range,
            zip=zip,
            zip_longest=itertools.zip_longest,
        )
    )


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

    make_absent("theano.tests", _TESTS)
    vars(make_absent("theano.tests.unittest_tools", _TESTS)).update(
        fetch_seed=fetch_seed,
        seed_rng=seed_rng,
        verify_grad=verify_grad,
        assert_allclose=np.testing.assert_allclose,
    )


def install(theano):
    """Install the modules that have moved, and errors for those that are gone."""
    for places, _ in _MOVED.values():
        for name in places:
            importlib.import_module(name)
    _install_moved()
    gof = theano.gof
    graph = sys.modules["theano.gof.graph"]
    for name in ("inputs", "variables", "ancestors"):
        setattr(graph, name, _listed(getattr(graph, name)))
    basic = theano.graph.basic
    graph.ops = lambda i, o: set(basic.applys_between(i, o))
    graph.orphans = _listed(basic.orphans_between)
    for module in (gof, gof.opt):
        module.local_optimizer = _local_optimizer(module.local_optimizer)
    for module in (gof, gof.op):  # which had the files with C code for this one
        module.COp = theano.graph.op.ExternalCOp
    theano.scan_module.scan = theano.scan
    theano.scan_module.until = theano.scan_module.scan_utils.until
    theano.scan_utils = theano.scan_module.scan_utils
    _install_compat()
    _install_tests(theano)
    for name, instead in _GONE.items():
        make_absent(name, instead)
