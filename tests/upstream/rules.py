"""Which failures of other projects' tests say nothing about kfkd, and why.

A test that passes counts as passed, whatever it tests.  One that fails is not
applicable only if a rule names it and the way in which it fails: another failure of the
same test counts.
"""

import dataclasses
import fnmatch
import re

__all__ = ["RULES", "Rule", "find_reason"]


@dataclasses.dataclass(frozen=True)
class Rule:
    """What is not applicable.

    Attributes
    ----------
    reason : str
        Why.
    tests : tuple of str
        Patterns of the ids of the tests, as the shell has them.
    error, line : str
        What is found, as a regular expression, in the first line of the error and in
        the line of the test that failed.
    """

    reason: str
    tests: tuple = ("*",)
    error: str = ""
    line: str = ""

    def covers(self, result):
        """Return whether this rule covers the result of a failed test."""
        return (
            any(fnmatch.fnmatchcase(result["test"], name) for name in self.tests)
            and re.search(self.error, result["error"]) is not None
            and re.search(self.line, result["line"]) is not None
        )


RULES = (
    Rule(
        "tests a GPU back end that is gone",
        ("*::TestConv2DDNNLayer::test_import_without_gpu_or_cudnn_raises",),
        error="No module named 'theano.sandbox.cuda'",
    ),
    Rule(
        "tests a GPU back end that is gone",
        ("lasagne/tests/layers/*",),
        error="lasagne.layers.cuda_convnet.* is not available: cuda-convnet is gone",
    ),
    Rule(
        "wants an import to fail without a GPU back end, where kfkd has a backport",
        ("*::test_import_without_gpu_or_cudnn_raises", "*::test_import_without_gpu*"),
        error="DID NOT RAISE",
    ),
    Rule(
        "Theano-PyMC 1.1 itself makes no variable whose type is a string",
        ("*::TestGetOutput_InputLayer::test_get_output_input_is_variable",),
        error="'str' object has no attribute 'filter'",
    ),
    Rule(
        "needs pydotplus, which nolearn does not require and is not installed",
        ("nolearn/lasagne/tests/test_visualize.py::*",),
        error="No module named 'pydotplus'",
    ),
    Rule(
        "nolearn 0.6.1, which is tested, has no such method any more",
        ("*::TestRememberBestWeights::test_restore",),
        error="'RememberBestWeights' object has no attribute 'restore'",
    ),
    Rule(
        "the test itself stacks a generator, as NumPy no longer allows",
        ("nolearn/lasagne/tests/test_base.py::TestBatchIterator::*",),
        error="arrays to stack must be passed as a",
    ),
    Rule(
        "nolearn 0.6.1, which is tested, returns a list of output layers",
        ("nolearn/lasagne/tests/test_base.py::TestInitializeLayers::*",),
        line=r"== out$|^assert out is|out\.num_units",
    ),
    Rule(
        "asserts that a function writes over its arguments, which XLA leaves alone",
        ("tests/tensor/test_inplace.py::*", "*InplaceBroadcast::test_good"),
        error="Failed check: inplace_check",
    ),
    Rule(
        "asserts that a function writes over its arguments, which XLA leaves alone",
        ("tests/tensor/test_inplace.py::test_XOR_inplace",),
        line=r"assert np\.all\(l ==",
    ),
    Rule(
        "asserts which operations the optimised graph holds",
        ("tests/tensor/*",),
        error="^AssertionError",
        line=r"fgraph|toposort|\btopo\b|isinstance\(\w+\.op\b|\.owner\.op\b",
    ),
    Rule(
        "asserts which operations the optimised graph holds",
        ("tests/tensor/test_blas.py::*",),
        error="^AssertionError",
        line=r"len\(matches\)|n_gemvs == 1|_dot22\w* in |len\(f\) == 1",
    ),
    Rule(
        "calls rewrites of Theano's as it could before Theano-PyMC 1.1",
        ("tests/tensor/test_blas.py::*", "tests/tensor/test_opt.py::*"),
        error=r"(res_is_a|_gemm_canonicalize|local_\w+)\(\) missing 1 required",
    ),
    Rule(
        "the test itself indexes arrays of NumPy as NumPy no longer allows",
        ("*::test_list_slice", "*::test_DownsampleFactorMax*Stride"),
        error="^IndexError: only integers, slices",
        line=r"x\[\[slice|input\[l\]\[region\]",
    ),
    Rule(
        "the test's own operations have no perform, as Theano-PyMC 1.1 wants",
        ("tests/*",),
        error="Can't instantiate abstract class .* perform",
    ),
    Rule(
        "the test itself needs a function that SciPy no longer has",
        ("*::TestKron::*",),
        error="module 'scipy.linalg' has no attribute 'kron'",
    ),
    Rule(
        "searches in an array that is not sorted, where the result is not defined",
        ("*::TestSearchsortedOp::test_searchsortedOp_on_right_side",),
        line="self.a, self.b",
    ),
    Rule(
        "wants the numbers of NumPy's generator, which no GPU has",
        ("tests/tensor/test_shared_randomstreams.py::*",),
        error="^AssertionError",
        line=r"^assert np\.all(close)?\(.*\bnumpy_\w*val",
    ),
    Rule(
        "wants the numbers of NumPy's generator, which no GPU has",
        ("*::TestScan::test_simple_shared_random", "*::TestScan::test_gibbs_chain"),
        error="^WrongValue",
    ),
    Rule(
        "takes the state of a stream for a generator of NumPy's",
        ("*::TestSharedRandomStreams::test_tutorial",),
        error="^AssertionError",
        line=r"assert isinstance\(rv_u\.rng\.get_value\(borrow=True\), np\.random",
    ),
    Rule(
        "takes the state of a stream for a generator of NumPy's",
        ("*::TestSharedRandomStreams::test_getitem",),
        error="state must be a dict or a tuple",
    ),
    Rule(
        "tests draws from generators of NumPy's, which Theano-PyMC 1.1 has removed",
        ("tests/tensor/test_raw_random.py",),
        error="theano.tensor.raw_random.RandomFunction is not available",
    ),
    Rule(
        "sets states to NumPy's generators, so that its differences see other numbers",
        ("*::TestScan::test_grad_multiple_outs_some_uncomputable",),
        error="^AssertionError",
        line="^assert max_err <= 1e-2$",
    ),
    Rule(
        "wants a state not to be an array, which scan takes for a recurrent output",
        ("*::TestScan::test_oinp_iinp_iout_oout_mappings",),
        line=r"^assert mappings\[\"inner_out_from_outer_inp",
    ),
    Rule(
        "looks into Theano's own evaluation of a loop",
        ("tests/scan/test_basic.py::TestScan::*",),
        error="'Scan' object has no attribute '(fn|destroy_map)'",
    ),
    Rule(
        "watches Theano evaluate operations one by one, where XLA runs them all",
        ("*::TestScan::test_monitor_mode",),
        line=r"^assert detect_large_outputs\.large_count == 3$",
    ),
    Rule(
        "asserts which operations the optimised graph holds",
        ("*::TestScan::test_remove_stuff", "*::TestScan::test_opt_order"),
        error="^AssertionError",
        line=r"^assert nb_(scan|shape_i) == 1$|tensor\.blas\.Dot22\) for node in topo",
    ),
    Rule(
        "asserts that the optimised graph has an IfElse that works in place",
        ("tests/test_ifelse.py::TestIfelse::*",),
        error=r"^AssertionError: .* \[\], \"if\{\{\{",
        line="^assert min <= len\\(matches\\) <= max",
    ),
    Rule(
        "chooses between lists of Python's, which are no arrays",
        ("*::TestIfelse::test_lazy_if_on_generics",),
        error="cannot be returned, as it is not an array",
    ),
    Rule(
        "wants a name that an operation had before Theano-PyMC 1.1",
        ("*::TestScan::test_grad_multiple_outs_taps",),
        error=r"Elemwise\{minimum,no_inplace\}.*Elemwise\{scalar_minimum,no_inplace\}",
    ),
    Rule(
        "the test itself formats an array as a number, as NumPy no longer allows",
        ("tests/scan/test_basic.py::test_mintap_onestep",),
        error="only 0-dimensional arrays can be converted",
        line="^print",
    ),
    Rule(
        "wants graphs printed as they were before Theano-PyMC 1.1",
        ("tests/tensor/test_opt.py::*",),
        error=r"^AssertionError: .*FunctionGrap",
        line=r"\bstr\(g\)",
    ),
    Rule(
        "asserts which operations the optimised graph holds",
        ("tests/tensor/test_opt.py::TestSubtensorIncSubtensor::*",),
        line=r"^assert len\(prog\) == 1$",
    ),
    Rule(
        "asserts which operations the optimised graph holds",
        ("tests/tensor/test_opt.py::TestLocalSubtensorLift::*",),
        error="^AssertionError",
        line=r"^assert (isinstance\()?prog\[\d\]\.op\b|^assert check_stack_trace\(f, ",
    ),
    Rule(
        "asserts which operations the optimised graph holds",
        ("tests/tensor/test_opt.py::test_local_pow_specialize",),
        error="^AssertionError",
        line=r"^assert nodes == \[",
    ),
    Rule(
        "asserts which operations the optimised graph holds",
        ("*::test_local_pow_specialize_device_more_aggressive_on_cpu",),
        error="'Pow' object has no attribute 'fgraph'",
    ),
    Rule(
        "computes with operations of its own, which kfkd evaluates only on request",
        ("tests/tensor/test_opt.py::TestShapeoptimizer::test_local_track_shape_i",),
        error="IdentityNoShape has no conversion",
    ),
    Rule(
        "the test itself makes dtypes of abstract classes, as NumPy no longer allows",
        ("*::test_arithmetic_cast", "*::TestNumpyAssumptions::test_dtype_equality"),
        error=r"^TypeError: Converting `np\.inexact` or `np\.floating` to a dtype",
        line=r"^dtype = np\.dtype\(cls\)$",
    ),
    Rule(
        "the test itself calls pytest as it no longer allows",
        ("tests/test_config.py::test_api_deprecation_warning",),
        error="exceptions must be derived from Warning, not",
        line=r"^with pytest\.warns\(None\)",
    ),
    Rule(
        "tests that the C code takes zero times not-a-number for zero",
        ("*::TestCGemv::test_nan_beta_0",),
        line=r"assert not np.isnan",
    ),
    Rule(
        "the test itself wants NumPy to let integers overflow, as it no longer does",
        ("*::TestConv2D::test_gcc_crash", "*::TestCAReduce::test_perform"),
        error="^OverflowError: Python integer",
        line=r"ref_output\[|^identity = np\.array\(\(-1,\), dtype=dtype\)",
    ),
    Rule(
        "wants the dtype that NumPy and SciPy gave to integers, as they no longer do",
        (
            "*::TestCeilBroadcast::test_good",
            "*::TestFloorBroadcast::test_good",
            "*::TestTruncBroadcast::test_good",
        ),
        error=r"::integers: Output 0 gave the wrong value",
    ),
    Rule(
        "wants the dtype that NumPy and SciPy gave to integers, as they no longer do",
        tuple(
            f"tests/tensor/test_basic_scipy.py::Test{name}Broadcast::test_good"
            for name in ["Gamma", "Gammaln", "Psi", "TriGamma", "J0", "J1", "I0", "I1"]
        ),
        error=r"::uint8: Output 0 gave the wrong value",
    ),
    Rule(
        "wants a function to return its very argument, where XLA makes a copy",
        ("*::test_join_inplace",),
        line=r"^assert f\(data, 0\) is data$",
    ),
    Rule(
        "asserts which operations the optimised graph holds",
        ("*::test_get_rid_of_advanced_indexing_version_of_xent",),
        error="^AssertionError",
        line=r"^assert len\(ops\) == ",
    ),
    Rule(
        "wants the limit to dimensions that NumPy had, and XLA does not have",
        ("*::TestDimShuffle::test_too_big_rank",),
        error="DID NOT RAISE",
    ),
    Rule(
        "the test itself makes ragged arrays of NumPy, as NumPy no longer allows",
        ("*::TestSubtensor::test_boolean",),
        error="^ValueError: setting an array element with a sequence",
        line=r"^x\[idx\] \+= a$",
    ),
)


def find_reason(result):
    """Return why a failed test is not applicable, or None."""
    for rule in RULES:
        if rule.covers(result):
            return rule.reason
    return None
