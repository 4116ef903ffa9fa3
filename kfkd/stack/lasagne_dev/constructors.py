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
        New defaults, by new name.  Parameters that *function* lacks are appended.
    """
    signature = inspect.signature(function)
    names = {name: name for name in signature.parameters} | (rename or {})
    *positional, more = signature.parameters.values()
    parameters = {
        names[p.name]: p.replace(name=names[p.name])
        for p in positional
        if p.name not in without
    }
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
