"""JAX for CUDA, and the driver below it."""

import os
import subprocess

from kfkd.doctor.finding import Finding
from kfkd.doctor.packages import version
from kfkd.process.installation import install

__all__ = ["find_cuda"]

_PLUGINS = ("jax-cuda12-plugin", "jax-cuda13-plugin")


def find_cuda(gpus):
    """Return the finding on CUDA.

    Parameters
    ----------
    gpus : int or None
        How many GPUs JAX has found; None where it could not be asked.
    """
    found = {name: version(name) for name in _PLUGINS if version(name)}
    driver = _driver()
    if not found:
        text = "JAX is installed for the CPU alone"
        # No fault, but perhaps no choice either.
        text += f"; for {driver}: " if driver else ", and there is no driver"
        return Finding("CUDA", text + (install(cuda=True) if driver else ""))
    text = ", ".join(f"{name} {number}" for name, number in found.items())
    text += f", {driver or 'but nvidia-smi finds no driver'}"
    jaxlib = version("jaxlib")
    if jaxlib and jaxlib not in found.values():
        return Finding("CUDA", f"{text}, but jaxlib {jaxlib}", install(cuda=True))
    if gpus:
        return Finding("CUDA", text)
    for name, value in (
        ("KFKD_DEVICE", "cpu"),
        ("JAX_PLATFORMS", "cpu"),
        ("CUDA_VISIBLE_DEVICES", ""),
    ):
        if os.environ.get(name) == value:
            return Finding("CUDA", f"{text}; not used: {name}={value}")
    if gpus is None:
        return Finding("CUDA", text)
    mend = "Install NVIDIA's driver, 525 or newer (580 for CUDA 13); or KFKD_DEVICE=cpu"
    if driver:
        mend = "See nvidia-smi for GPU and driver (525 or newer); or KFKD_DEVICE=cpu"
    return Finding("CUDA", f"{text}; JAX finds no GPU", mend)


def _driver():
    """Return the GPU and its driver's version, as nvidia-smi tells; "" without."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    gpus = done.stdout.strip().splitlines()
    if done.returncode or not gpus:
        return ""
    name, _, number = gpus[0].rpartition(", ")
    return f"{name} with driver {number}"
