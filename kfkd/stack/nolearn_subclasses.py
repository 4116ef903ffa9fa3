"""Subclasses of nolearn's NeuralNet whose constructors have parameters of their own.

Such a constructor makes the parameters of NeuralNet from them, as in
``super().__init__(hidden_num_units=size, **further)``.
"""

import copy
import functools
import inspect
import io
import pickle
import types

import numpy as np

from kfkd.stack.nolearn_options import constructors, names

__all__ = ["arguments", "patch_subclasses"]


def _passed(cls, args, further):
    """Return the names of what a constructor is called with."""
    for init in constructors(cls):
        _, *parameters = inspect.signature(init).parameters.values()
        if not any(p.kind is p.VAR_POSITIONAL for p in parameters):
            return [p.name for p in parameters[: len(args)]] + [*further]
    return [*further]


def arguments(net, params):
    """Return those parameters of a net that its constructor is to be called with.

    These are a subclass's own, and what the net was made with.  A constructor that
    hands on what it does not name, and gives some of it itself, takes no others.
    """
    passed = vars(net).get("_passed")
    if passed is None:  # a pickle of before
        return params
    own = set(passed).union(*map(names, _with_own(type(net))))
    return {name: value for name, value in params.items() if name in own}


def _with_own(cls):
    """Yield the constructors of a subclass, up to NeuralNet's."""
    for init in constructors(cls):
        parameters = inspect.signature(init).parameters
        if "layers" in parameters and "update" in parameters:
            return
        yield init


class _Describer(pickle.Pickler):
    """Describes a value of a net, so that it can be compared with that of another net.

    Functions are the same if their code is, and what it refers to; shared variables if
    their values are, and layers but for the weights.
    """

    def __init__(self, net, shared, layer):
        self._file = io.BytesIO()
        super().__init__(self._file)
        self.net, self.shared, self.layer = net, shared, layer

    def describe(self, value):
        """Return a description, or None if there is none."""
        try:
            self.dump(value)
        except Exception:  # pickle raises many things
            return None
        return self._file.getvalue()

    def persistent_id(self, thing):
        return "net" if thing is self.net else None

    def reducer_override(self, thing):
        if isinstance(thing, types.FunctionType):
            cells = [cell.cell_contents for cell in thing.__closure__ or ()]
            parts = id(thing.__code__), cells, thing.__defaults__, thing.__kwdefaults__
        elif isinstance(thing, self.shared):
            parts = type(thing), thing.get_value()
        elif isinstance(thing, self.layer):
            inputs = getattr(thing, "input_layers", None)
            inputs = inputs or [getattr(thing, "input_layer", None)]
            parts = type(thing), thing.name, thing.output_shape, inputs
        else:
            return NotImplemented
        return tuple, (parts,)


def patch_subclasses(theano, lasagne, nolearn):
    """Patch NeuralNet so that a subclass's parameters can be set and cloned.

    What the constructor makes of them was not made anew.
    """
    NeuralNet = nolearn.lasagne.NeuralNet
    kinds = theano.compile.SharedVariable, lasagne.layers.Layer
    set_params = NeuralNet.set_params

    def __new__(cls, *args, **kwargs):
        net = object.__new__(cls)
        net._passed = _passed(cls, args, kwargs)
        return net

    def describe(net, name):
        return _Describer(net, *kinds).describe(vars(net).get(name))

    def made_with(net, params):
        """Return a net that its constructor makes with parameters, the same each time.

        It may draw weights.
        """
        rng = lasagne.random.get_rng()
        before = np.random.get_state()  # noqa: NPY002  (which Lasagne draws from)
        lasagne.random.set_rng(copy.deepcopy(rng) if rng is not np.random else rng)
        try:
            return type(net)(**arguments(net, params))
        finally:
            np.random.set_state(before)  # noqa: NPY002
            lasagne.random.set_rng(rng)

    @functools.wraps(set_params)
    def set_and_follow(self, **params):
        own = {name for init in _with_own(type(self)) for name in names(init)}
        if own.isdisjoint(params):
            return set_params(self, **params)
        before = self.get_params(deep=False)
        after = before | {k: v for k, v in params.items() if k in before}
        was, now = made_with(self, before), made_with(self, after)
        set_params(self, **params)
        options = {*names(NeuralNet), *now._kwarg_keys}
        for name in vars(now).keys() - params.keys():
            earlier, later = describe(was, name), describe(now, name)
            if earlier == later or None in (earlier, later):
                continue
            # An attribute of a user's own may have come to another value since.
            if name in options or describe(self, name) == earlier:
                value = copy.deepcopy(vars(now)[name], {id(now): self})
                setattr(self, name, value)
        return self

    NeuralNet.__new__ = __new__
    NeuralNet.set_params = set_and_follow
