"""State of a training: captured from a net, and restored to it."""

import hashlib
import importlib.metadata
import platform
import random

import numpy as np

from kfkd.files.packing import get_state, pack, set_state, unpack
from kfkd.stack import theano
from kfkd.training.compiled import trained_variables
from kfkd.training.fingerprint import describe
from kfkd.xla import describe_device
from kfkd.xla.precision import get_precision
from kfkd.xla.shared_variables import restore as set_values
from kfkd.xla.shared_variables import snapshot

__all__ = ["capture", "definition", "fingerprint", "restore", "versions"]


def _parts(net, callbacks):
    """Return what has a state of its own, by the names that messages use."""
    parts = {
        "batch_iterator_train": net.batch_iterator_train,
        "batch_iterator_test": net.batch_iterator_test,
    }
    for i, callback in enumerate(callbacks):
        parts[f"on_epoch_finished[{i}], {type(callback).__name__}"] = callback
    return parts


def capture(net, callbacks, loop):
    """Copy the state of a training; what is on the device stays there.

    Returns ``about``, for JSON; ``packed``, a dict of arrays; and ``problems``, a list
    of what could not be copied, and why.  `callbacks` are those whose state counts.
    """
    variables, packed = trained_variables(net), {}
    whole = {
        "orders": list(loop.orders),
        "numpy": np.random.get_state(legacy=False),  # noqa: NPY002
        "python": random.getstate(),
    }
    about = {
        "state": {k: pack(v, packed, k) for k, v in whole.items()},
        "parts": {},
        "variables": len(variables),
        "history": [],
    }
    problems = []
    for row in map(_plain, net.train_history_):
        foreign = {}
        for name, value in row.items():
            try:
                pack(value, {}, name)
            except TypeError as error:
                foreign[name] = f"the history is saved without {name!r}, as {error}"
        problems += [text for text in foreign.values() if text not in problems]
        known = {name: value for name, value in row.items() if name not in foreign}
        about["history"].append(pack(known, packed, "history"))
    for name, part in _parts(net, callbacks).items():
        try:
            about["parts"][name] = pack(get_state(part), packed, name)
        except (TypeError, RecursionError) as error:
            about["parts"][name] = None
            problems.append(
                f"the state of {name} is not saved, as {error}; give it the methods "
                "state_dict and load_state_dict"
            )
    packed |= {f"variable.{i}": v for i, v in enumerate(snapshot(variables))}
    return about, packed, problems


def _plain(row):
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()}


def restore(net, callbacks, loop, about, packed):
    """Restore what `capture` has returned; a ValueError if the net is another."""
    variables = trained_variables(net)
    values = [packed[f"variable.{i}"] for i in range(about["variables"])]
    theirs = [(v.shape, v.dtype) for v in values]
    ours = [(v.get_value(borrow=True).shape, np.dtype(v.dtype)) for v in variables]
    if ours != theirs:
        raise ValueError(f"its arrays are {theirs}, those of the net {ours}")
    state = {k: unpack(v, packed) for k, v in about["state"].items()}
    parts = _parts(net, callbacks)
    for name, part in parts.items():
        if about["parts"][name] is not None:
            set_state(part, unpack(about["parts"][name], packed))
    for order, saved in zip(loop.orders, state["orders"], strict=True):
        order[:] = saved
    set_values(variables, values)
    np.random.set_state(state["numpy"])  # noqa: NPY002
    random.setstate(state["python"])
    net.train_history_[:] = [unpack(row, packed) for row in about["history"]]


def definition(net, callbacks, loop):
    """Return a description, for JSON, of what is trained, and how."""
    left_out = ("layers", "verbose", "log_every", "check_input", "mirror")
    params = {
        name: value
        for name, value in net.get_params(deep=False).items()
        if name not in left_out and not name.startswith("on_")
    }
    return describe(
        params
        | {
            "layers": dict(net.layers_),
            "callbacks": callbacks,
            "epochs": [loop.first, loop.last],
            "seed": net._seed,
            # Without a seed they are never the same.
            "initial weights": None if net._seed is None else _digest(net),
            "floatX": theano.config.floatX,
            "precision": get_precision(),
        }
    )


def _digest(net):
    digest = hashlib.blake2b(digest_size=16)
    for param in net.get_all_params():
        digest.update(np.ascontiguousarray(param.get_value()))
    return digest.hexdigest()


def fingerprint(loop):
    """Return a digest of the data and of how they have been split."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (*loop.train, *loop.valid):
        values = part if isinstance(part, dict) else {"": part}
        for name, array in sorted(values.items()):
            array = np.ascontiguousarray(array)
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(array)
    return digest.hexdigest()


def versions():
    """Return the device and the versions on which the numbers depend besides."""
    names = ("theano-pymc", "lasagne", "nolearn", "numpy", "jax", "jaxlib")
    return {
        "device": describe_device(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in names},
    }
