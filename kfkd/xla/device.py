"""Device that programs run on: its choice, description and free memory."""

import contextlib
import logging
import os

import jax

from kfkd.errors import DeviceError, DeviceMemoryError
from kfkd.process.forks import raise_if_forked
from kfkd.process.installation import install
from kfkd.process.memory import physical_memory
from kfkd.stack import device_request, settings

__all__ = [
    "describe_device",
    "free_memory",
    "get_device",
    "memory_errors_explained",
    "set_device",
]


_chosen = None


def _is_news(record):
    """Return whether a record of JAX is more than that it has looked for TPUs."""
    return record.levelno > logging.INFO or "'tpu'" not in record.getMessage()


logging.getLogger("jax._src.xla_bridge").addFilter(_is_news)


def set_device(name=None):
    """Choose the device of all programs that run from now on.

    Parameters
    ----------
    name : {None, "cpu", "cuda", "cuda:0", "cuda:1", ...}
        ``"cuda"`` is the first CUDA GPU.  None resets the choice to the environment
        variable ``KFKD_DEVICE``; without it to a GPU named in ``THEANO_FLAGS``; else to
        the first CUDA GPU, or the CPU if there is none.

    Returns
    -------
    jax.Device

    Raises
    ------
    DeviceError
        If there is no such device.  The CPU never stands in for a missing GPU.
    StateError
        As for `get_device`.
    """
    global _chosen
    raise_if_forked()
    _chosen = None if name is None else _find(name)
    return get_device()


def get_device():
    """Return the device (a ``jax.Device``) that programs run on.

    All that runs on it, or copies to it, comes here first.

    Raises
    ------
    DeviceError
        As for `set_device`.
    StateError
        If XLA had been started when this process was forked.
    """
    global _chosen
    raise_if_forked()
    if _chosen is None:
        if os.environ.get("KFKD_DEVICE"):
            _chosen = _find(os.environ["KFKD_DEVICE"], "KFKD_DEVICE")
        elif requested := device_request.get():
            _chosen = _find(requested, requester())
        else:
            gpus = devices_of("cuda")
            _chosen = gpus[0] if gpus else _find("cpu")
    return _chosen


@device_request.on_change
def _reset_device():
    set_device(None)


def requester():
    """Return who requests the device: where it is set, or a call."""
    return settings.source("device") or "theano.sandbox.cuda.use()"


def describe_device():
    """Return the device in use as text, such as ``"cuda:0 (NVIDIA H200)"``."""
    device = get_device()
    if device.platform == "cpu":
        cores = len(os.sched_getaffinity(0))
        return f"cpu ({cores} core{'s' * (cores > 1)})"
    return f"cuda:{device.id} ({device.device_kind})"


def free_memory():
    """Return the free bytes of the device in use; for the CPU, all of its memory."""
    stats = get_device().memory_stats()
    if stats and "bytes_limit" in stats:
        return stats["bytes_limit"] - stats["bytes_in_use"]
    return physical_memory()


@contextlib.contextmanager
def memory_errors_explained():
    """Raise JAX's out-of-memory errors as a `DeviceMemoryError` with advice."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        code, _, text = str(error).partition(": ")
        # JAX 0.8 raises it as an internal error.
        if code != "RESOURCE_EXHAUSTED" and "Out of memory" not in text:
            raise
        lines = text.strip().splitlines() or [code]
        raise DeviceMemoryError(
            f"{describe_device()} has too little free memory: {lines[0].rstrip('.')}. "
            "Smaller batches need less: --batch-size, or the batch_size of the net's "
            "batch iterators; so does a device that no other process uses."
        ) from error


def devices_of(platform):
    """Return this process's devices of a platform, cpu or cuda; there may be none."""
    try:
        return jax.local_devices(backend=platform)
    except RuntimeError:  # JAX has no such back end here
        return []


def _reason():
    """Return why JAX has no CPU, such as a wrong JAX_PLATFORMS."""
    try:
        jax.local_devices(backend="cpu")
    except RuntimeError as error:
        return str(error)
    return "it has no CPU"


def _find(name, source=None):
    """Return a device by its name; `source` is the setting that names it, if any."""
    platform, _, number = str(name).strip().lower().partition(":")
    if platform not in ("cpu", "cuda") or (number and not number.isdecimal()):
        asked = f"{source} asks for the device {name!r}" if source else None
        raise DeviceError(
            f"{asked or f'{name!r} is not a device'}; "
            "the devices are called cpu, cuda, cuda:0, cuda:1, and so on."
        )
    asked = f"{source} asks for {name!r}" if source else f"{name!r} is asked for"
    devices = devices_of(platform)
    if not devices and platform == "cpu":
        raise DeviceError(f"JAX cannot use the CPU: {_reason()}")
    if not devices:
        cpu = "the CPU with KFKD_DEVICE=cpu" if source else "cpu"
        raise DeviceError(
            f"{asked}, but JAX finds no CUDA GPU. Check the driver with nvidia-smi, "
            f"choose {cpu}, or install JAX for CUDA with: {install(extra='cuda')}"
        )
    index = int(number or 0)
    if index >= len(devices):
        there = ", ".join(f"{platform}:{i}" for i in range(len(devices)))
        raise DeviceError(f"{asked}, but JAX finds only {there}.")
    return devices[index]
