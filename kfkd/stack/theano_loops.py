"""Patches of Theano's loops: of their gradients, and of rewrites that were wrong."""

import functools
import sys

from kfkd.stack.sources import mend

__all__ = ["install"]


def install(theano):
    """Patch the gradient of `Scan`, and what moves computation out of loops."""
    _patch_gradients()
    _patch_truncated_gradients(theano)
    _patch_products(theano)
    _patch_initial_states(theano)


def _patch_gradients():
    """Mend two lines of the gradient of `Scan`.

    Of a loop that ended early, Theano takes all rows of its first output, initial
    states included, for steps: the gradient reads its sequences one step too late.  Of
    a state that becomes a constant, it takes that constant for the gradient.
    """
    mend(
        sys.modules["theano.scan.op"].Scan,
        "L_op",
        ("n_steps = outs[0].shape[0]", "n_steps = grad_steps"),
        (
            "self_outputs = self.outputs",
            "self_outputs = "
            "[v.copy() if isinstance(v, Constant) else v for v in self.outputs]",
        ),
    )


def _patch_truncated_gradients(theano):
    """Keep products in the loops of truncated gradients.

    Theano moves sums of products out of a loop, as one product of whole sequences.  A
    truncated loop takes fewer steps than its sequences have.  Where the loop cannot be
    replaced, Theano restores the graph; that is no error to be logged.
    """
    opt = sys.modules["theano.scan.opt"]

    def unless_truncated(process):
        @functools.wraps(process)
        def process_whole(self, fgraph, node):
            if node.op.truncate_gradient != -1:
                return None
            try:
                return process(self, fgraph, node)
            except theano.graph.fg.InconsistencyError:
                return None

        return process_whole

    for rewrite, name in (
        (opt.PushOutDot1, "apply_opt"),
        (opt.PushOutScanOutput, "process_node"),
    ):
        setattr(rewrite, name, unless_truncated(getattr(rewrite, name)))


def _patch_products(theano):
    """Keep products in a loop where their matrices may vary in size, as of `x[:n]`.

    Theano puts those of all steps together as one array.
    """
    PushOut = sys.modules["theano.scan.opt"].PushOutScanOutput
    get_outer_ndim = PushOut.get_outer_ndim

    @functools.wraps(get_outer_ndim)
    def ndim_if_equally_large(self, var, scan_args):
        stacked = [*scan_args.inner_in_seqs, *scan_args.inner_out_nit_sot]
        if var not in stacked and _varies(theano, var, scan_args):
            return None
        return get_outer_ndim(self, var, scan_args)

    PushOut.get_outer_ndim = ndim_if_equally_large


def _varies(theano, var, args):
    """Return whether the shape of a variable may differ from step to step."""
    inputs = args.inner_inputs
    lengths = [[theano.tensor.lscalar() for _ in range(v.ndim)] for v in inputs]
    (shape,) = theano.compile.builders.infer_shape([var], inputs, lengths)
    constant = {*args.inner_in_non_seqs}.union(*lengths)
    used = theano.graph.basic.graph_inputs(shape, blockers=constant)
    return any(v in inputs and v not in constant for v in used)


def _patch_initial_states(theano):
    """Keep the shape of what is written to new arrays, such as a loop's first states.

    Theano shortens the arrays of a loop, and looks for the first states' shape there.
    """
    rewrite = theano.tensor.opt.local_useless_inc_subtensor_alloc
    process = rewrite.fn

    @functools.wraps(process)
    def process_others(fgraph, node):
        written_to = node.inputs[0].owner
        if written_to and isinstance(written_to.op, theano.tensor.AllocEmpty):
            return False
        return process(fgraph, node)

    rewrite.fn = process_others
