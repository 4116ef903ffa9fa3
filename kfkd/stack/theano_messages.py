"""Patches of Theano's messages: what was lost when they became f-strings."""

import functools

__all__ = ["install"]


def install(theano):
    """Complete the messages of gradients and settings, and the names of operations."""
    _patch_gradients(theano)
    _patch_settings(theano)
    _patch_names(theano)


def _patch_gradients(theano):
    """Say what is wrong with a variable, and not only where it was made."""

    def explain(self, trace):
        reason = (
            "a gradient is asked for with respect to a variable that is no part of the "
            "graph, or is used only by operations that have no gradient. Where it is "
            "meant to be zero: disconnected_inputs='ignore' (disconnected_outputs for "
            "Rop)."
        )
        ValueError.__init__(self, f"{reason} {trace.strip()}")

    theano.gradient.DisconnectedInputError.__init__ = explain


def _patch_settings(theano):
    """Name the setting that cannot be changed any more."""
    ConfigParam = theano.configparser.ConfigParam
    put = ConfigParam.__set__

    @functools.wraps(put)
    def put_or_explain(self, config, value):
        try:
            put(self, config, value)
        except Exception as error:
            error.args = tuple(
                str(part).replace("{self.name}", self.name) for part in error.args
            )
            raise

    ConfigParam.__set__ = put_or_explain


def _patch_names(theano):
    """Print an `ifelse` with its name, and a `split` with the number of its parts."""

    def name_of_choice(self):
        options = self.name, self.as_view and "inplace", self.gpu and "gpu"
        return f"if{{{','.join(filter(None, options))}}}"

    theano.ifelse.IfElse.__str__ = name_of_choice
    theano.tensor.Split.__str__ = lambda self: f"Split{{{self.len_splits}}}"
