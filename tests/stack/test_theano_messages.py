"""Theano's messages say what is wrong, and about what."""

import pytest
import theano
import theano.tensor as T
from theano.ifelse import ifelse


def test_an_input_without_a_gradient_is_told_with_the_reason_and_the_line():
    x, y = T.dvectors(2)
    with pytest.raises(
        theano.gradient.DisconnectedInputError,
        match=r"no part of the graph(.|\n)*disconnected_inputs(.|\n)*T.dvectors\(2\)",
    ):
        T.grad(x.sum(), y)
    assert T.grad(x.sum(), y, disconnected_inputs="ignore").eval({y: [1, 2]}).sum() == 0


def test_an_output_without_a_gradient():
    x, y = T.dvectors(2)
    with pytest.raises(theano.gradient.DisconnectedInputError, match="for Rop"):
        T.Rop(x, y, y, disconnected_outputs="raise")


def test_a_setting_that_cannot_change_is_named():
    with pytest.raises(Exception, match="value of compiledir_format config"):
        theano.config.compiledir_format = "elsewhere"


def test_an_unknown_value_of_a_setting_is_told_as_ever():
    with pytest.raises(ValueError, match=r"'maybe'.*'on_unused_input'"):
        theano.config.on_unused_input = "maybe"


@pytest.mark.parametrize("name", ["choice", None])
def test_a_choice_is_printed_with_its_name(name):
    x = ifelse(T.iscalar(), T.dscalar(), T.dscalar(), name=name)
    assert str(x.owner.op) == ("if{choice}" if name else "if{}")


def test_a_split_is_printed_with_its_parts():
    x, *_ = T.split(T.dvector(), T.ivector(), n_splits=3)
    assert str(x.owner.op) == "Split{3}"
