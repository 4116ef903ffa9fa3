"""Options for `get_output` that no layer takes."""

import contextlib
import contextvars
import difflib
import functools
import warnings

from lasagne import layers
from lasagne.layers import helper

from kfkd.stack.lasagne_dev.parameters import inspect_kwargs

__all__ = ["in_steps"]

_options_of_steps = contextvars.ContextVar("_options_of_steps", default=None)


@contextlib.contextmanager
def in_steps(options):
    """Pass options to each `get_output` in a block, as for layers that make a step."""
    token = _options_of_steps.set(options)
    try:
        yield
    finally:
        _options_of_steps.reset(token)


def patch():
    """Let `get_output` warn of such options: of misspelled ones, mostly."""
    get_output = helper.get_output

    @functools.wraps(get_output)
    def get_output_and_warn(layer_or_layers, inputs=None, **kwargs):
        options = (_options_of_steps.get() or {}) | kwargs
        output = get_output(layer_or_layers, inputs, **options)
        given = inputs if isinstance(inputs, dict) else {}
        known = _options(layer_or_layers, given) if kwargs else set()
        if unused := [name for name in kwargs if name not in known]:
            warnings.warn(
                "get_output() was called with unused kwargs:\n\t"
                + "\n\t".join(_suggest(name, known) for name in unused),
                stacklevel=2,
            )
        return output

    helper.get_output = layers.get_output = get_output_and_warn


def _options(layer_or_layers, given):
    """Return the names of options that layers take of which the output is computed."""
    known = {"deterministic"}
    for layer in helper.get_all_layers(layer_or_layers, given.keys()):
        if layer not in given and not isinstance(layer, layers.InputLayer):
            for kind in type(layer).__mro__:
                if method := vars(kind).get("get_output_for"):
                    known.update(inspect_kwargs(method))
            known.update(layer.get_output_kwargs)
    return known


def _suggest(name, known):
    close = difflib.get_close_matches(name, known, 1)
    return f"{name} (perhaps you meant {close[0]})" if close else name
