"""Parameters that may be expressions, and broadcast along axes of size 1."""

import contextlib
import contextvars
import inspect
import numbers

import numpy as np
import theano
import theano.tensor as T
from lasagne import layers, utils
from theano.compile import SharedVariable
from theano.graph.basic import graph_inputs

__all__ = ["collect_shared_vars", "inspect_kwargs", "int_types", "without_drawing"]


class ParameterError(ValueError, TypeError, RuntimeError):
    """Raised if a parameter cannot be created.

    Lasagne 0.1 mostly raised RuntimeError here, and 0.2.dev ValueError or TypeError.
    """


int_types = (numbers.Integral, np.integer)


def inspect_kwargs(func):
    """Return the names of the arguments of *func* that have a default."""
    parameters = inspect.signature(func).parameters.values()
    return [p.name for p in parameters if p.default is not p.empty]


def collect_shared_vars(expressions):
    """Return the shared variables that one or more expressions depend on, in order."""
    if isinstance(expressions, theano.graph.basic.Variable):
        expressions = [expressions]
    inputs = (v for expression in expressions for v in graph_inputs([expression]))
    return list(dict.fromkeys(v for v in inputs if isinstance(v, SharedVariable)))


_instead_of_drawing = contextvars.ContextVar("_instead_of_drawing", default=None)


@contextlib.contextmanager
def without_drawing(take):
    """Let ``take(shape)`` return the initial values of parameters in the block.

    It takes the place of Lasagne's initializers, for layers whose parameters will be
    overwritten.
    """
    token = _instead_of_drawing.set(take)
    try:
        yield
    finally:
        _instead_of_drawing.reset(token)


def create_param(spec, shape, name=None):
    """Return a parameter: a shared variable, or an expression of shared variables.

    Parameters
    ----------
    spec : number, numpy array, Theano variable, or callable
        The initial value, the variable itself, or a function from the shape to one of
        these.
    shape : iterable of int
    name : str, optional
        Ignored if `spec` is a variable with a name.

    Raises
    ------
    ParameterError
        If a size is not positive, or `spec` has another shape or a wrong type.
    """
    shape = tuple(shape)
    if any(size <= 0 for size in shape):
        raise ParameterError(
            "Cannot create param with a non-positive shape dimension. "
            f"Tried to create param with shape={shape}, name={name!r}"
        )
    problem = f"cannot initialize parameter {name}: the %s"
    if callable(spec):
        instead = _instead_of_drawing.get()
        # Those of others may return expressions.
        drawn = instead is None or type(spec).__module__ != "lasagne.init"
        spec = spec(shape) if drawn else instead(shape)
        problem += " returned by the provided callable"
        if not isinstance(spec, theano.graph.basic.Variable):
            try:
                spec = utils.floatX(spec)
            except (TypeError, ValueError):
                raise ParameterError(
                    f"{problem % 'value'} is not an array or a Theano expression"
                ) from None
    elif isinstance(spec, numbers.Number | np.generic):
        spec = np.asarray(spec)
    if isinstance(spec, np.ndarray):
        if spec.shape != shape:
            raise ParameterError(
                f"{problem % 'numpy array'} has shape {spec.shape}, should be {shape}"
            )
        # Theano broadcasts a size of 1 only if it knows of it.
        spec = theano.shared(spec, broadcastable=tuple(size == 1 for size in shape))
    if not isinstance(spec, theano.graph.basic.Variable):
        raise ParameterError(
            f"{problem % 'spec'} is not a number, an array, a Theano expression, or a "
            f"callable, but a {type(spec).__name__}"
        )
    if spec.ndim != len(shape):
        raise ParameterError(
            f"{problem % 'Theano variable'} has {spec.ndim} dimensions, "
            f"should be {len(shape)}"
        )
    if not spec.name:
        spec.name = name
    return spec


def compute_norms(array, norm_axes=None):
    """Return the norms of the weights that lead to each unit.

    Parameters
    ----------
    array : array or Theano expression
        Weights as of Lasagne's layers, of which biases have a norm each.
    norm_axes : sequence of int, optional
        The axes to sum over.
    """
    axes = tuple(norm_axes or ())
    if not axes:
        if not 1 <= array.ndim <= 5:
            raise ValueError(
                f"Unsupported tensor dimensionality {array.ndim}. "
                "Must specify `norm_axes`"
            )
        axes = {1: (), 2: (0,)}.get(array.ndim, tuple(range(1, array.ndim)))
    if isinstance(array, theano.graph.basic.Variable):
        squares = T.sqr(array)
        return T.sqrt(squares.sum(axes)) if axes else abs(array)
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"Unsupported type {type(array).__name__}: an array or a Theano expression "
            "is wanted"
        )
    return np.sqrt(np.sum(array**2, axes)) if axes else abs(array)


def patch():
    """Accept expressions as parameters, and let `get_params` list their variables."""
    get_all_params = layers.Layer.get_params

    def get_params(self, unwrap_shared=True, **tags):
        params = get_all_params(self, **tags)
        return collect_shared_vars(params) if unwrap_shared else params

    get_params.__doc__ = get_all_params.__doc__
    create_param.__module__ = "lasagne.utils"
    utils.create_param, utils.compute_norms = create_param, compute_norms
    layers.Layer.get_params = get_params
    # Layers append the options of their get_output_for to this list.
    layers.Layer.get_output_kwargs = property(
        lambda self: vars(self).setdefault("get_output_kwargs", [])
    )
