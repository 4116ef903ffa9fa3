"""Constructors that take the parameters of others, and copies of layers."""

import functools
import inspect

__all__ = ["copy_with", "parameters_of"]


def parameters_of(function, *, rename=None, without=(), **defaults):
    """Return a decorator that gives a constructor the parameters of another one.

    The decorated constructor is called with all its arguments by name.

    Parameters
    ----------
    function : callable
        The other constructor.  Its last parameter is ``**kwargs``.
    rename : dict, optional
        New names of some parameters.
    without : tuple of str
        Names of parameters to leave out.
    **defaults
        New defaults, after renaming.  Parameters that *function* lacks are appended.
    """
    signature = inspect.signature(function)
    *named, more = signature.parameters.values()
    parameters = {}
    for parameter in named:
        if parameter.name not in without:
            name = (rename or {}).get(parameter.name, parameter.name)
            parameters[name] = parameter.replace(name=name)
    for name, default in defaults.items():
        new = inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters[name] = parameters.get(name, new).replace(default=default)
    signature = signature.replace(parameters=[*parameters.values(), more])

    def decorate(initialize):
        @functools.wraps(initialize)
        def __init__(*args, **kwargs):
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{type(args[0]).__name__}: {error}") from None
            bound.apply_defaults()
            arguments = bound.arguments
            initialize(**arguments.pop(more.name), **arguments)

        __init__.__signature__ = signature
        return __init__

    return decorate


def copy_with(layer, **attributes):
    """Return a shallow copy of a layer with other values of some attributes."""
    copy = object.__new__(type(layer))
    vars(copy).update(vars(layer), **attributes)
    return copy
