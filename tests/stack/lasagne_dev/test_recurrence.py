"""Backported options of Lasagne's recurrent layers, against one another."""

import functools
import inspect
import warnings

import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import random

values = functools.partial(random, dtype="float32")


RECURRENT = {
    "custom": lambda i, **more: layers.CustomRecurrentLayer(
        i,
        layers.DenseLayer(layers.InputLayer((6, 4)), 3),
        layers.DenseLayer(layers.InputLayer((2, 3)), 3),
        **more,
    ),
    "plain": lambda i, **more: layers.RecurrentLayer(i, 3, **more),
    "lstm": lambda i, **more: layers.LSTMLayer(i, 3, **more),
    "gru": lambda i, **more: layers.GRULayer(i, 3, learn_init=False, **more),
}


@parametrize("name", RECURRENT, fast=["custom"])
def test_recurrent_layers_start_from_others_and_end_with_the_last(name):
    source, start = layers.InputLayer((2, 3, 4)), layers.InputLayer((2, 3))
    build = functools.partial(RECURRENT[name], source, hid_init=start, unroll_scan=True)
    whole = build(grad_clipping=0)
    last = build(only_return_final=True)
    first = build(only_return_final=True, backwards=True)
    backwards = build(backwards=True)
    assert whole.output_shape == (2, 3, 3)
    assert last.output_shape == first.output_shape == (2, 3)
    nets = [whole, last, backwards, first]
    params = layers.get_all_params(whole)
    for net in nets:
        layers.set_all_param_values(
            net, [values(i, p.get_value().shape) for i, p in enumerate(params)]
        )
    outputs = layers.get_output(nets)
    # Lasagne 0.1 would clip to 0, which it did not take for False.
    weight = T.grad(outputs[0].sum(), params[0])
    f = theano.function([source.input_var, start.input_var], [*outputs, weight])
    x = values(1, (2, 3, 4))
    whole, last, backwards, first, weight = f(x, values(2, (2, 3)))
    np.testing.assert_allclose(last, whole[:, -1], rtol=1e-6)
    np.testing.assert_allclose(first, backwards[:, 0], rtol=1e-6)
    assert abs(weight).max() > 0
    other, *_ = f(x, values(3, (2, 3)))
    assert abs(other - whole)[:, 0].max() > 1e-3


@parametrize("name", RECURRENT, fast=["plain"])
@pytest.mark.parametrize("kind", [theano.shared, T.constant])
def test_states_that_are_kept_or_constant(name, kind):
    source, given = layers.InputLayer((2, 3, 4)), layers.InputLayer((2, 3))
    state = values(2, (2, 3))
    kept = layers.InputLayer((2, 3), kind(state))
    names = ["hid_init", "cell_init"] if name == "lstm" else ["hid_init"]
    nets = [
        RECURRENT[name](source, **dict.fromkeys(names, start))
        for start in (given, kept)
    ]
    params = layers.get_all_params(nets[0])
    for net in nets:
        layers.set_all_param_values(
            net, [values(i, p.get_value().shape) for i, p in enumerate(params)]
        )
    outputs = layers.get_output(nets)
    f = theano.function([source.input_var, given.input_var], outputs)
    expected, found = f(values(1, (2, 3, 4)), state)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_where_the_inputs_of_a_layer_are():
    source, hid, cell, mask = (
        layers.InputLayer(shape) for shape in ((2, 3, 4), (2, 3), (2, 3), (2, 3))
    )
    plain = layers.LSTMLayer(source, 3)
    assert plain.mask_incoming_index == plain.hid_init_incoming_index == -1
    full = layers.LSTMLayer(source, 3, hid_init=hid, cell_init=cell, mask_input=mask)
    assert full.input_layers == [source, mask, hid, cell]
    assert full.mask_incoming_index == 1
    assert full.hid_init_incoming_index == 2
    assert full.cell_init_incoming_index == 3
    assert (full.hid_init, full.cell_init) == (hid, cell)


def test_recurrent_layers_of_one_unit():
    source = layers.InputLayer((2, 3, 4))
    nets = [layers.LSTMLayer(source, 1), layers.GRULayer(source, 1, learn_init=True)]
    f = theano.function([source.input_var], layers.get_output(nets))
    for output in f(values(0, (2, 3, 4))):
        assert output.shape == (2, 3, 1)


def test_gru_layers_warn_if_learn_init_is_missing():
    with pytest.warns(UserWarning, match="Pass learn_init=True or learn_init=False"):
        net = layers.GRULayer((2, 3, 4), 3)
    assert net.hid_init in net.get_params(trainable=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layers.GRULayer((2, 3, 4), 3, hid_init=layers.InputLayer((2, 3)))


def test_the_names_of_parameters_and_options_by_position():
    build = layers.RecurrentLayer
    options = [None, None, None, None, None, False, False, -1, 0, False, True, None]
    defaults = [p.default for p in inspect.signature(build).parameters.values()][2:-2]
    given = [d if o is None else o for d, o in zip(defaults, options, strict=True)]
    net = build((2, 3, 4), 5, *given, True, name="rnn")
    assert net.output_shape == (2, 5)
    names = ["rnn.hid_init", "rnn.input_to_hidden.W", "rnn.input_to_hidden.b"]
    names.append("rnn.hidden_to_hidden.W")
    assert [p.name for p in net.get_params()] == names
    assert [p.name for p in build((2, 3, 4), 5).get_params()][1] == "input_to_hidden.W"
    gru = layers.GRULayer((2, 3, 4), 5, learn_init=False, only_return_final=True)
    assert gru.output_shape == (2, 5)


@parametrize("name", RECURRENT, fast=["plain"])
def test_states_that_are_a_row_of_an_expression(name):
    source, given = layers.InputLayer((2, 3, 4)), layers.InputLayer((2, 3))
    row = theano.shared(values(2, (3,)))
    nets = [
        RECURRENT[name](source, hid_init=start)
        for start in (given, T.tanh(row).dimshuffle("x", 0))
    ]
    assert row in nets[1].get_params()
    assert row not in nets[1].get_params(trainable=True)
    params = layers.get_all_params(nets[0])
    for i, p in enumerate(params):
        p.set_value(values(i, p.get_value().shape))
    others = [p for p in layers.get_all_params(nets[1]) if p is not row]
    for p, other in zip(params, others, strict=True):
        other.set_value(p.get_value())
    outputs = layers.get_output(nets)
    f = theano.function([source.input_var, given.input_var], outputs)
    state = np.tile(np.tanh(row.get_value()), (2, 1))
    expected, found = f(values(1, (2, 3, 4)), state)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_steps_that_are_chains_of_layers():
    source = layers.InputLayer((2, 3, 4))
    first = layers.DenseLayer(layers.InputLayer((None, 4)), 5)
    again = layers.DenseLayer(layers.InputLayer((2, 5)), 7)
    again = layers.DropoutLayer(layers.DenseLayer(again, 5), 0.5)
    net = layers.CustomRecurrentLayer(source, first, again, only_return_final=True)
    f = theano.function(
        [source.input_var],
        [layers.get_output(net), layers.get_output(net, deterministic=True)],
    )
    x = values(1, (2, 3, 4))
    (noisy, certain), (other, same) = f(x), f(x)
    assert certain.shape == net.output_shape == (2, 5)
    assert (noisy != other).any()
    np.testing.assert_array_equal(certain, same)
    two = layers.ElemwiseSumLayer([layers.InputLayer((None, 5)) for _ in range(2)])
    with pytest.raises(ValueError, match="`hidden_to_hidden` must have one InputLayer"):
        layers.CustomRecurrentLayer(source, first, two)
