"""What must be run to be found out: the import, the device, and steps of training.

It runs in a process of its own, and prints what it finds, a line of JSON each.
"""

import json
import os
import sys
import timeit

import lasagne
import matplotlib.figure  # noqa: F401  (as whether it can be imported is asked here)
import numpy as np
import theano
import theano.tensor as T
from lasagne import layers

from kfkd import stack, xla
from kfkd.doctor.finding import Finding
from kfkd.process.installation import reinstall
from kfkd.stack import settings
from kfkd.training.compiled import without_debug_checks
from kfkd.xla.device import devices_of, requester

__all__ = ["main"]

# Relative error of float32 after three steps.
_TOLERANCE = 1e-4


def main():
    """Print the findings."""
    output, sys.stdout = sys.stdout, sys.stderr  # where others may print
    for found in _examine():
        print(json.dumps(found), file=output, flush=True)


def _examine():
    """Yield the findings, and the number of GPUs, as dicts."""
    config = theano.config
    text = f"all import; Theano's mode is {config.mode}, its floatX {config.floatX}"
    yield vars(Finding("import", text))
    yield vars(find_settings())
    devices = [*devices_of("cuda"), *devices_of("cpu")]
    yield {"gpus": sum(device.platform != "cpu" for device in devices)}
    device = find_device(devices)
    yield vars(device)
    if not device.fix:
        yield vars(find_step("net1", 128, _dense))
        yield vars(find_step("conv net", 8, _convolutions))


def find_device(devices):
    """Return the finding on the device that programs run on."""
    seen = ", ".join(f"{device.platform}:{device.id}" for device in devices)
    try:
        name = xla.describe_device()
    except xla.DeviceError as error:
        text, _, fix = str(error).partition(". ")
        return Finding("device", text, fix or "Change KFKD_DEVICE, or unset it")
    except Exception as error:
        text = f"JAX sees {seen or 'no device'}: {type(error).__name__}: {error}"
        return Finding("device", text, "Set JAX_PLATFORMS=cpu, or fix CUDA")
    if os.environ.get("KFKD_DEVICE"):
        reason = f"KFKD_DEVICE={os.environ['KFKD_DEVICE']}"
    elif stack.REQUESTED_DEVICE:
        reason = f"{requester()} names it"
    elif name.startswith("cuda"):
        reason = "it is the first GPU"
    else:
        reason = "there is no GPU"
    return Finding("device", f"{name}, as {reason}; JAX sees {seen}")


def find_settings():
    """Return the finding on the user's own settings of Theano."""
    places = {}
    for name, (value, where) in settings.user_settings().items():
        places.setdefault(where, []).append(f"{name}={value}")
    text = "; ".join(f"{', '.join(found)} in {p}" for p, found in places.items())
    warning = settings.slow_mode_warning()
    if not warning:
        return Finding("settings", text or "Theano's are kfkd's own")
    text = f"{text}: old programs take many times as long in that mode (kfkd's own "
    text += "nets are compiled in mode xla all the same)"
    return Finding("settings", text, f"Take `mode` out of {settings.source('mode')}")


def find_step(subject, batch, build):
    """Return the finding on training: its time, and whether Theano's own agrees."""
    try:
        xla.set_precision("float32")
        with theano.config.change_flags(floatX="float32"), without_debug_checks():
            ours, seconds = _train(batch, build, "xla")
            # FAST_RUN fuses operations, and computes them number by number.
            theirs, _ = _train(batch, build, "FAST_COMPILE")
    except Exception as error:
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        return Finding(subject, text, reinstall())
    text = f"a step with {batch} images takes {seconds * 1e3:.1f} ms"
    error = max(
        float(np.abs(a - b).max() / np.abs(b).max())
        for a, b in zip(ours, theirs, strict=True)
    )
    if error < _TOLERANCE:
        return Finding(subject, f"{text} and agrees with Theano itself")
    text += f", but is off from Theano itself by {error:.1g} of the result"
    return Finding(subject, text, reinstall())


def _train(batch, build, mode):
    """Return losses and parameters after three steps, and the seconds of a step."""
    rng = np.random.RandomState(0)
    lasagne.random.set_rng(rng)
    net = layers.DenseLayer(build(), 30, nonlinearity=None)
    inputs = layers.get_all_layers(net)[0]
    X, y = inputs.input_var, T.matrix()
    loss = lasagne.objectives.squared_error(layers.get_output(net), y).mean()
    params = layers.get_all_params(net)
    updates = lasagne.updates.nesterov_momentum(loss, params, 0.01, 0.9)
    step = theano.function([X, y], loss, updates=updates, mode=mode)
    batch = [
        rng.uniform(-1, 1, (batch, *shape)).astype(theano.config.floatX)
        for shape in (inputs.shape[1:], (30,))
    ]
    losses = np.array([step(*batch) for _ in range(3)])
    results = [losses, *layers.get_all_param_values(net)]
    repeat = 10 if mode == "xla" else 1
    return results, min(timeit.repeat(lambda: step(*batch), number=1, repeat=repeat))


def _dense():
    net = layers.InputLayer((None, 9216), T.matrix())
    return layers.DenseLayer(net, 100)


def _convolutions():
    net = layers.InputLayer((None, 1, 24, 24), T.tensor4())
    for num_filters, filter_size in ((4, 3), (8, 2)):
        net = layers.Conv2DLayer(net, num_filters, filter_size)
        net = layers.MaxPool2DLayer(net, 2)
    return layers.DenseLayer(net, 20)
