"""Tell what the machine is, and measure how fast its device copies and multiplies.

python benchmarks/machine.py --device cuda
"""

import argparse
import datetime
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from figures import Output, add_json

sys.path.append(str(Path(__file__).resolve().parent / "peers"))
PACKAGES = ("jax", "torch", "numpy", "kfkd")
SMALL = 512, 2**22, 1  # a quick try


def query(fields):
    """Return what nvidia-smi tells of the first GPU, or None."""
    command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        return None
    return dict(zip(fields, lines[0].split(", "), strict=True))


def name_of(device):
    """Return the name of the card or processor, or None if there is no such card."""
    if device != "cpu":
        found = query(["name"])
        return found and found["name"]
    model = "an unknown processor"
    path = Path("/proc/cpuinfo")
    for line in path.read_text().splitlines() if path.exists() else ():
        if line.startswith("model name"):
            model = line.partition(": ")[2]
            break
    return f"{model}, {len(os.sched_getaffinity(0))} cores"


def describe(device):
    """Return what the machine is, in words, by what they are about."""
    found = {"device": name_of(device)}
    if device != "cpu":
        gpu = query(["driver_version", "memory.total", "power.limit"]) or {}
        found |= {name.replace("_", " "): value for name, value in gpu.items()}
    found["Python"] = platform.python_version()
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    found["date"] = datetime.date.today().isoformat()
    return found


def main():
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description="Tell card, driver and versions, and measure a large copy and a "
        "large matrix product in all precisions: the ceilings of all that is computed."
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--small", action="store_true", help="to try it out")
    add_json(parser)
    args = parser.parse_args()
    output = Output("machine", args.json)
    for what, value in describe(args.device).items():
        output.add(what=what, value=value)
    import jax
    from limit import Ceilings

    ceilings = Ceilings(jax.devices(args.device)[0], SMALL if args.small else None)
    output = Output("ceilings", args.json)
    output.add(what="copy", rate=ceilings.copied() / 1e9, unit="GB/s")
    for precision in ("float32", "tensorfloat32", "bfloat16"):
        rate = ceilings.multiplied(precision) / 1e12
        output.add(what=f"product, {precision}", rate=rate, unit="TFLOP/s")


if __name__ == "__main__":
    main()
