"""Linker of mode ``"xla"``: one optimised Theano graph becomes one jitted program."""

from theano.link.basic import Container, Linker
from theano.link.utils import map_storage

from kfkd.xla.lowering import Program
from kfkd.xla.thunk import Thunk

__all__ = ["XLALinker"]


class XLALinker(Linker):
    """A Theano linker: one graph becomes one XLA program.

    The program computes all outputs and all updates, each node once.  The buffers of
    updated shared variables are donated to it, so that it writes the new values over
    the old.  A program with runtime asserts, such as that computed indices are in
    range, keeps the old values instead: the asserts are checked after the call.

    Notes
    -----
    Theano computes in the dtypes of the graph, in 64 bits where it says so, whatever
    ``jax_enable_x64`` is.  So programs are traced and called with 64 bits enabled.

    Sizes must be known when a program is made, or be symbolic (see below).  A size may
    depend on scalars or vectors of integers, be they arguments or shared variables.  It
    is then computed on the host before each call, and a program is made for each
    combination of sizes that occurs.  Of a slice only the length is such a size:
    ``X[i * 20 : (i + 1) * 20]`` takes one program for all whole batches and one for a
    shorter last one.  If a size follows from an updated shared variable, each call
    waits for the variable's value.

    A size may also depend on other arrays.  What leads to it is then computed twice, by
    a program of its own before each call and by the program itself.  That is seldom
    needed for the rows that a computed mask chooses, or that a loop leaves when it ends
    early: their number is a `Count`, of which the largest possible is known, and arrays
    have room for that many.

    Where the length of an argument's axis, or a number that sizes follow from, has had
    three values, programs are made for classes of lengths (see `kfkd.xla.lengths`).
    What depends on such a length is symbolic, and arrays are padded.

    A function keeps 512 programs, those that were used last.

    Parameters
    ----------
    allow_gc : bool
        As Theano asks for it; without effect.
    static_shapes : bool
        Whether to make a program for each shape of the arguments.
    """

    def __init__(self, allow_gc=False, static_shapes=False):
        super().__init__(allow_gc=allow_gc)
        self.static_shapes = static_shapes
        self.fgraph = None
        self.updates = {}

    def accept(self, fgraph, no_recycling=None, profile=None):
        """Return a linker for *fgraph*."""
        linker = type(self)(self.allow_gc, self.static_shapes)
        linker.fgraph = fgraph
        return linker

    def accept_var_updates(self, updates):
        """Remember which input is replaced by which output after a call."""
        self.updates = dict(updates)

    def make_thunk(self, input_storage=None, output_storage=None, storage_map=None):
        """Return the thunk that Theano calls, and containers of inputs and outputs."""
        fgraph = self.fgraph
        order = self.schedule(fgraph)
        input_storage, output_storage, storage_map = map_storage(
            fgraph, order, input_storage, output_storage, storage_map
        )
        program = Program.of_graph(fgraph, order)
        thunk = Thunk(
            program, input_storage, self.updates, storage_map, self.static_shapes
        )
        inputs = [
            Container(v, storage)
            for v, storage in zip(program.inputs, input_storage, strict=True)
        ]
        outputs = [
            Container(v, storage, readonly=True)
            for v, storage in zip(program.outputs, output_storage, strict=True)
        ]
        return thunk, inputs, outputs
