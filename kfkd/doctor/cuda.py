"""JAX for CUDA, and the driver below it."""

import os
import subprocess

from kfkd.doctor.finding import Finding
from kfkd.doctor.packages import version
from kfkd.process.installation import install

__all__ = ["find_cuda"]

_PLUGINS = ("jax-cuda12-plugin", "jax-cuda13-plugin")
# Settings that keep JAX from using a GPU.
_OFF = {"KFKD_DEVICE": "cpu", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}


def find_cuda(gpus):
    """Return the finding on CUDA.

    Parameters
    ----------
    gpus : int or None
        How many GPUs JAX has found; None if it could not be asked.
    """
    plugins = {name: version(name) for name in _PLUGINS if version(name)}
    driver = _driver()
    text, fix = ", ".join(f"{name} {number}" for name, number in plugins.items()), ""
    text += f", {driver or 'but nvidia-smi finds no driver'}"
    off = [f"{name}={off}" for name, off in _OFF.items() if os.environ.get(name) == off]
    jaxlib = version("jaxlib")
    if not plugins:
        text = "JAX is installed for the CPU alone"
        # Nothing is wrong, but this may not be what the user wants.
        text += f"; for {driver}: " if driver else ", and there is no driver"
        text += install(extra="cuda") if driver else ""
    elif jaxlib and jaxlib not in plugins.values():
        text, fix = f"{text}, but jaxlib {jaxlib}", install(extra="cuda")
    elif not gpus and off:
        text += f"; not used: {off[0]}"
    elif gpus == 0:
        text += "; JAX finds no GPU"
        fix = "Install NVIDIA's driver, 525 or newer (580 for CUDA 13)"
        if driver:
            fix = "See nvidia-smi for GPU and driver (525 or newer)"
        fix += "; or KFKD_DEVICE=cpu"
    return Finding("CUDA", text, fix)


def _driver():
    """Return the GPU and its driver's version from nvidia-smi, or ""."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            query, capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    name, _, number = done.stdout.strip().partition("\n")[0].rpartition(", ")
    return f"{name} with driver {number}" if name else ""
