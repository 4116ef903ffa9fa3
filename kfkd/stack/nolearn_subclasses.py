"""Subclasses of nolearn's NeuralNet whose constructors have parameters of their own.

Such a constructor makes the parameters of NeuralNet from them, as in
``super().__init__(hidden_num_units=size, **further)``.
"""

import functools
import inspect
import pickle

from kfkd.stack.nolearn_options import constructors, names

__all__ = ["are_same", "arguments", "patch_subclasses"]


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


def are_same(one, other):
    """Return whether two values are the same to all that can be seen from outside."""
    if one is other:
        return True
    try:
        return pickle.dumps(one) == pickle.dumps(other)
    except Exception:  # pickle raises many things
        return False


def patch_subclasses(lasagne, nolearn):
    """Patch NeuralNet so that a subclass's parameters can be set and cloned.

    What the constructor makes of them was not made anew.
    """
    NeuralNet, Layer = nolearn.lasagne.NeuralNet, lasagne.layers.Layer
    set_params = NeuralNet.set_params

    def __new__(cls, *args, **kwargs):
        net = object.__new__(cls)
        net._passed = _passed(cls, args, kwargs)
        return net

    def comparable(value):
        """Return what layers are, without their weights, or else the value."""
        if isinstance(value, list) and value and isinstance(value[0], Layer):
            made = lasagne.layers.get_all_layers(value)
            return [(type(layer), layer.output_shape) for layer in made]
        return value

    @functools.wraps(set_params)
    def set_and_follow(self, **params):
        own = {name for init in _with_own(type(self)) for name in names(init)}
        if own.isdisjoint(params):
            return set_params(self, **params)
        before = self.get_params(deep=False)
        after = before | {k: v for k, v in params.items() if k in before}
        was, now = (type(self)(**arguments(self, p)) for p in (before, after))
        set_params(self, **params)
        for name in vars(now).keys() - params.keys():
            values = vars(was).get(name), vars(now)[name]
            if not are_same(*map(comparable, values)):
                setattr(self, name, values[1])
        return self

    NeuralNet.__new__ = __new__
    NeuralNet.set_params = set_and_follow
