"""Measure everything on a GPU, and keep each figure as soon as it is there.

python benchmarks/gpu.py --out FOLDER
"""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import gpu_steps
from figures import latest, markdown
from gpu_folder import Folder, FolderError
from machine import name_of
from pages import targets, tests
from speed import environment

ROOT = Path(__file__).resolve().parent.parent
GRACE = 20  # seconds between SIGTERM and SIGKILL, in which a training saves its state
USUAL = 4  # times as long as usual is how long steps may take
LEFT = 75  # the exit status where something is left for another call

# Runs Python with the arguments that follow, and has the kernel end it when its parent
# has died, however it did. Where there is no such kernel, it ends in good order only.
DYING_WITH_PARENT = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
if hasattr(libc, "prctl"):
    libc.prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def run(step, folder, device, seconds):
    """Run a step in a process of its own; return its outcome and why it is that.

    Parameters
    ----------
    step : gpu_steps.Step
    folder : Folder
    device : str
    seconds : float
        After which it is ended.

    Returns
    -------
    outcome, why : str
        The outcome is "done", "failed", or "cut off" if its time was up.
    """
    env = environment() | step.env
    env |= {"KFKD_DEVICE": device, "PYTHONUNBUFFERED": "1"}
    # For report_tests.py.
    figures = str(folder.file.resolve())
    env |= {"BENCHMARKS_DEVICE": device, "BENCHMARKS_FIGURES": figures}
    if device == "cpu":
        env["JAX_PLATFORMS"] = "cpu"
    with folder.logging(step.name) as log:
        process = subprocess.Popen(
            [sys.executable, "-c", DYING_WITH_PARENT, *step.command],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        reader = threading.Thread(target=read, args=(process, step, folder, log))
        reader.start()
        over = False
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            over = True
        finally:
            # After Ctrl-C too.
            end(process)
            reader.join()
            process.stdout.close()
    if process.returncode == 0:
        return "done", ""
    if over and (step.resumes or seconds < step.limit):
        return "cut off", f"after {seconds:.0f} s"
    if over:
        return "failed", f"it takes longer than {seconds:.0f} s"
    return "failed", last_line(folder.log) or f"exit status {process.returncode}"


def read(process, step, folder, log):
    """Keep the figures that a process prints, and put all else into the log."""
    for line in process.stdout:
        figure = None
        if line.startswith(b'{"table"'):
            with contextlib.suppress(ValueError):
                figure = json.loads(line)
        if figure is None:
            log.write(line)
            log.flush()
        else:
            folder.add(step.name, figure)


def end(process):
    """End a process, in good order if it can, and all that it has started."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def last_line(path):
    """Return the line of a log that tells its latest error, or else its last."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    begin = max(i for i, line in enumerate(lines) if line.startswith("==== "))
    lines = [line.strip() for line in lines[begin + 1 :] if line.strip()]
    errors = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b", line)]
    return (errors or lines or [""])[-1][:200]


def run_all(steps, folder, device, seconds):
    """Run the steps that are not done, as far as the time allows."""
    deadline = time.monotonic() + seconds
    ends = folder.ends()
    todo = [s for s in steps if ends.get(s.name, {}).get("outcome") != "done"]
    started = False
    for step in todo:
        if step.needs and folder.ends().get(step.needs, {}).get("outcome") != "done":
            continue
        left = deadline - time.monotonic() - GRACE
        # What could hardly end in time is left for another call, but for the first.
        if left < step.limit / USUAL and started and not step.resumes:
            continue
        if left < 1:
            break
        started = True
        print(f"{step.name} ...", end=" ", flush=True)
        began = time.monotonic()
        allowed = min(left, step.limit)
        try:
            outcome, why = run(step, folder, device, allowed)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            folder.end(step.name, "cut off", time.monotonic() - began, "interrupted")
            raise
        took = time.monotonic() - began
        folder.end(step.name, outcome, took, why)
        print(f"{outcome}{', ' * bool(why)}{why} ({took:.0f} s)", flush=True)


def report(steps, folder):
    """Print how the steps have ended, and the targets; return the exit status."""
    ends, rows = folder.ends(), []
    for step in steps:
        end = ends.get(step.name, dict(outcome="to do", seconds=0, why=""))
        rows.append((step.name, end["outcome"], f"{end['seconds']:.0f}", end["why"]))
    print("\n" + markdown(("step", "outcome", "s", "why"), rows))
    figures = latest(folder.figures())
    if "tests" in figures:
        print(f"\n{tests(figures['tests'])}")
    if table := targets(figures):
        print(f"\n{table}")
    outcomes = [row[1] for row in rows]
    done = outcomes.count("done")
    print(f"\n{done} of {len(rows)} steps are done; all figures are in {folder.file}.")
    if done < len(rows):
        print("The same command does what is missing; log.txt says what went wrong.")
    if "failed" in outcomes:
        return 1
    return 0 if done == len(rows) else LEFT


def parse_args(argv=None):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description="Measure all there is to know of a GPU, in stages, each step in a "
        "process of its own. Called again with the same folder, it does what is "
        f"missing. The exit status is 0 when all is done, 1 if a step has failed, and "
        f"{LEFT} if something is left to do."
    )
    parser.add_argument(
        "--out", required=True, metavar="FOLDER", help="for the figures"
    )
    parser.add_argument(
        "--stages",
        nargs="+",
        choices=gpu_steps.STAGES,
        default=gpu_steps.STAGES,
        metavar="STAGE",
        help=f"of {', '.join(gpu_steps.STAGES)} (default: all)",
    )
    parser.add_argument(
        "--minutes", type=float, default=9, help="to take at most (default: 9)"
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="try everything out, with figures that say nothing (default: off)",
    )
    args = parser.parse_args(argv)
    args.card = name_of(args.device)
    if args.card is None:
        parser.error("nvidia-smi finds no GPU; --device cpu does without")
    return args


def main(argv=None):
    """Run what is missing; return the exit status."""
    args = parse_args(argv)
    settings = {"device": args.device, "card": args.card, "quick": args.quick}
    try:
        folder = Folder(args.out, settings)
    except (FolderError, OSError) as error:
        print(f"gpu.py: {error}", file=sys.stderr)
        return 2
    with contextlib.closing(folder):
        work = folder.work.resolve()
        steps = gpu_steps.make(args.stages, args.device, work, quick=args.quick)
        try:
            run_all(steps, folder, args.device, 60 * args.minutes)
        except KeyboardInterrupt:
            report(steps, folder)
            return 130
        return report(steps, folder)


if __name__ == "__main__":
    # SIGTERM ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
