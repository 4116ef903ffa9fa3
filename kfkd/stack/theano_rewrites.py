"""Patches of Theano's rewrites of graphs: what is wrong, or grows out of proportion."""

import collections
import functools

__all__ = ["install"]


def install(theano):
    """Patch Theano's rewrites, and the shapes that they ask for."""
    _patch_merged_shapes(theano)
    _patch_shape_of_join(theano)
    _patch_flattened_sums(theano)
    _patch_distribution(theano)


def _patch_merged_shapes(theano):
    """Never describe the shape of a variable by that variable.

    Where one replaces another, Theano takes the other's shape for it: that of a slice
    `zeros(64)[:len(x)]` for the x that is written there.  Sorting such a graph does not
    end.
    """
    ShapeFeature, Shape_i = theano.tensor.opt.ShapeFeature, theano.tensor.opt.Shape_i
    update_shape = ShapeFeature.update_shape

    @functools.wraps(update_shape)
    def update_and_restore(self, r, other_r):
        known = self.shape_of.get(r)
        update_shape(self, r, other_r)
        if known is None:
            return
        for i, (size, new) in enumerate(zip(known, self.shape_of[r], strict=True)):
            asked = isinstance(getattr(size.owner, "op", None), Shape_i)
            if asked and new is not size and r in theano.graph.basic.ancestors([new]):
                self.set_shape_i(r, i, size)

    ShapeFeature.update_shape = update_and_restore


def _patch_shape_of_join(theano):
    """Sum sizes along the axis of a join alone, if the axis is known.

    Theano sums those along each axis, and chooses by a switch.  In a net of
    concatenated branches, n joins deep, sums of sums then have 3**n terms.
    """
    Join = theano.tensor.Join
    infer_shape = Join.infer_shape

    @functools.wraps(infer_shape)
    def infer_known(self, fgraph, node, ishapes):
        axis = node.inputs[0]
        if not isinstance(axis, theano.tensor.Constant):
            return infer_shape(self, fgraph, node, ishapes)
        _, first, *rest = ishapes
        shape = list(first)
        for sizes in rest:
            shape[int(axis.data)] = shape[int(axis.data)] + sizes[int(axis.data)]
        return [tuple(shape)]

    Join.infer_shape = infer_known


_TERMS = 16


class _Flattening:
    """The flattening of one sum (or product), for `Canonizer.get_num_denum`.

    A sum that is used in several places within it, and has more than a few terms, is a
    term in all of them.
    """

    def __init__(self, canonizer, flatten):
        self.main = canonizer.main
        self.inverse = canonizer.inverse
        self.reciprocal = canonizer.reciprocal
        self._flatten = flatten
        self._places = collections.Counter()
        self._found = {}

    def flatten(self, whole):
        """Return the terms that are added (or factors), and those taken away."""
        left = [whole]
        while left:
            parts = self._parts(left.pop())
            left += (x for x in {*parts} if x not in self._places)
            self._places.update(parts)
        left = [whole]  # from the leaves up, as long sums are deeper than the stack
        while left:
            missing = [x for x in self._parts(left[-1]) if x not in self._found]
            if missing:
                left += missing
                continue
            variable = left.pop()
            terms = self._flatten(self, variable)
            if self._places[variable] > 1 and sum(map(len, terms)) > _TERMS:
                terms = [variable], []
            self._found[variable] = terms
        return self._found[whole]

    def get_num_denum(self, variable):
        """Return the terms of a part, for Theano to put together in place."""
        added, taken = self._found[variable]
        return [*added], [*taken]

    def _parts(self, variable):
        """Return what a sum is put together of; nothing, if it is a term."""
        node = variable.owner
        if node and node.op in (self.main, self.inverse, self.reciprocal):
            return node.inputs
        # It may have axes of 1 on the left, or none.
        order = getattr(node and node.op, "new_order", None)
        if order is not None:
            ndim = node.inputs[0].ndim
            if order == ("x",) * (variable.ndim - ndim) + tuple(range(ndim)):
                return node.inputs
        return []


def _patch_flattened_sums(theano):
    """Flatten sums and products of themselves only while they are small.

    n times y = y + y would become a sum of 2**n terms.
    """
    Canonizer = theano.tensor.opt.Canonizer
    flatten = Canonizer.get_num_denum

    @functools.wraps(flatten)
    def get_num_denum(self, variable):
        return _Flattening(self, flatten).flatten(variable)

    Canonizer.get_num_denum = get_num_denum


def _patch_distribution(theano):
    """Leave products of booleans as they are, of which there is no reciprocal.

    Theano would log an error and go on, as there is nothing to distribute.
    """
    rewrite = theano.tensor.opt.local_greedy_distributor
    process = rewrite.fn

    @functools.wraps(process)
    def process_numbers(fgraph, node):
        try:
            return process(fgraph, node)
        except TypeError as error:
            if "bool" not in str(error):
                raise
            return False

    rewrite.fn = process_numbers
