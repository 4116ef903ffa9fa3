"""Conversions of Theano's operations, one module for each family."""

from kfkd.xla.ops import (  # noqa: F401  (each registers its conversions)
    convolution,
    decompositions,
    diagonals,
    distributions,
    elementwise,
    fourier,
    ifelse,
    indexing,
    linalg,
    masks,
    neighbours,
    nnet,
    op_from_graph,
    pooling,
    printing,
    random,
    reductions,
    scan,
    shapes,
    sorting,
)
