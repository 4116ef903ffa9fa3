"""Put small mistakes into kfkd one at a time, and see whether the tests notice."""

import argparse
import collections
import json
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent import futures
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.helpers import mistakes  # noqa: E402

RESULTS = ROOT / "build" / "mutants" / "tried.jsonl"
EQUIVALENT = ROOT / "tests" / "equivalent_mutants.txt"
ENDED = "the end of Python"  # in a test
LIMIT = 120  # seconds that one test may take


def room_of(path):
    """Return the part of the package that a file belongs to, as `kfkd/xla`."""
    parts = Path(path).parts
    return "/".join(parts[:2]) if len(parts) > 2 else "kfkd"


def changed_lines(revision):
    """Return the lines that differ from a revision, by file."""
    text = subprocess.run(
        ["git", "diff", "--unified=0", "--no-color", revision, "--", "kfkd"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lines = collections.defaultdict(set)
    for line in text.splitlines():
        if line.startswith("+++ b/"):
            path = line.removeprefix("+++ b/")
        elif line.startswith("@@"):
            start, _, count = line.split()[2].removeprefix("+").partition(",")
            lines[path] |= {int(start) + i for i in range(int(count or 1))}
    return lines


def find(paths, revision=None):
    """Return the mistakes in files, folders, or on lines changed since a revision."""
    changed = None if revision is None else changed_lines(revision)
    files = set()
    for path in paths:
        path = Path(path).resolve()
        files |= {*path.rglob("*.py")} if path.is_dir() else {path}
    found = []
    for file in sorted(files):
        name = file.relative_to(ROOT).as_posix()
        for mistake in mistakes.find(name, file.read_text("utf-8")):
            if changed is None or mistake.line in changed.get(name, ()):
                found.append(mistake)
    return found


def equivalent():
    """Return the mistakes that are known to change nothing."""
    lines = EQUIVALENT.read_text("utf-8").splitlines()
    return {line.split("  #")[0].strip() for line in lines} - {""}


def tests_of(path):
    """Return the test files that ought to notice a mistake in a file, best first.

    Those named after it, then those that import it, then all of its room.
    """
    path = Path(path)
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    folder = ROOT / "tests" / Path(*path.parts[1:-1])
    room = ROOT / "tests" / Path(*path.parts[1:2])
    room = room if room.is_dir() else ROOT / "tests"
    stem = path.parent.name if path.stem == "__init__" else path.stem.lstrip("_")
    named = sorted((ROOT / "tests").rglob(f"test_{stem}*.py"))
    near = [test for test in named if folder in test.parents]
    texts = {test: test.read_text("utf-8") for test in ROOT.rglob("tests/**/test_*.py")}
    parent, _, name = module.rpartition(".")
    using = [
        test
        for test, text in sorted(texts.items())
        if module in text or (f"from {parent} import" in text and name in text)
    ]
    if room == ROOT / "tests":
        rest = sorted(room.glob("test_*.py"))
    else:
        rest = sorted(room.rglob("test_*.py"))
    ordered = dict.fromkeys([*near, *named, *using, *rest])
    return [test.relative_to(ROOT).as_posix() for test in ordered]


def run_tests(folder, tests):
    """Run tests in a copy of the project; return what noticed, if anything did."""
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-x", "-n", "0"),
        *("-m", "not slow", "-p", "no:cacheprovider", "-p", "no:randomly"),
        *("-o", f"faulthandler_timeout={LIMIT}"),
        *("-o", "faulthandler_exit_on_timeout=true", "--no-header", "--tb=no", *tests),
    ]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True
    )
    if done.returncode in (0, 5):
        return None
    for line in done.stdout.splitlines():
        if line.startswith(("FAILED ", "ERROR ")):
            return line.split()[1]
    return ENDED


def copy_project(folder):
    """Copy what Git knows, and what is new: mistakes are made in the copy."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    for name in filter(None, os.fsdecode(names).split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def try_one(folder, mistake):
    """Return what a mistake led to, as a line of the results."""
    file = folder / mistake.path
    right = file.read_text("utf-8")
    start = time.monotonic()
    try:
        file.write_text(mistake.apply(right), "utf-8")
        noticed = run_tests(folder, tests_of(mistake.path))
    finally:
        file.write_text(right, "utf-8")
    seconds = round(time.monotonic() - start, 1)
    return {"mistake": str(mistake), "noticed": noticed, "seconds": seconds}


def noticed_earlier():
    """Return the results of earlier runs, by mistake: those that were noticed."""
    if not RESULTS.exists():
        return {}
    lines = RESULTS.read_text("utf-8").splitlines()
    entries = {entry["mistake"]: entry for entry in map(json.loads, lines)}
    return {name: entry for name, entry in entries.items() if entry["noticed"]}


def try_all(chosen, entries, jobs):
    """Add the results of mistakes to those that are there; keep and print each."""
    copies = queue.SimpleQueue()
    writing = threading.Lock()

    def try_next(mistake):
        folder = copies.get()
        entry = try_one(folder, mistake)
        copies.put(folder)
        noticed = (
            f"noticed by {entry['noticed']}" if entry["noticed"] else "NOT NOTICED"
        )
        with writing, RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
            print(f"{mistake}: {noticed}", flush=True)
        entries[str(mistake)] = entry

    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kfkd-mutants-") as root:
        for number in range(jobs):
            folder = Path(root, str(number))
            copy_project(folder)
            copies.put(folder)
        with futures.ThreadPoolExecutor(jobs) as pool:
            left = [m for m in chosen if str(m) not in entries]
            for done in [pool.submit(try_next, mistake) for mistake in left]:
                done.result()
        tests = {entries[str(mistake)]["noticed"] for mistake in chosen}
        tests = sorted(tests - {None, ENDED})
        if tests and (failing := run_tests(folder, tests)):
            sys.exit(f"{failing} notices something, and fails without mistakes, too.")


def sample(found, number):
    """Return at most `number` mistakes of each room, the same ones each time."""
    rooms = collections.defaultdict(list)
    for mistake in found:
        rooms[room_of(mistake.path)].append(mistake)
    chosen = []
    for room, members in sorted(rooms.items()):
        order = sorted(members, key=lambda m: random.Random(f"{m}").random())
        chosen += order[:number] if number else order
        print(f"{room}: {min(len(members), number or len(members))} of {len(members)}")
    return chosen


def report(entries):
    """Print how many were noticed, by room."""
    rooms = collections.defaultdict(list)
    for entry in entries:
        rooms[room_of(entry["mistake"].split(":")[0])].append(entry)
    for room, members in sorted(rooms.items()):
        noticed = sum(entry["noticed"] is not None for entry in members)
        print(f"{room:20} {noticed} of {len(members)}")
    noticed = sum(entry["noticed"] is not None for entry in entries)
    print(f"in all {noticed} of {len(entries)}")


def main():
    """Parse the command line, put mistakes in, print what was not noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", default=[ROOT / "kfkd"], metavar="PATH")
    parser.add_argument(
        "--number",
        type=int,
        default=30,
        help="of each part of the package; 0: all (default: 30)",
    )
    parser.add_argument(
        "--since", metavar="REV", help="lines changed since a revision (default: all)"
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="side by side (default: cores)"
    )
    parser.add_argument("--list", action="store_true", help="name them, try none")
    args = parser.parse_args()
    known = equivalent()
    found = [m for m in find(args.paths, args.since) if str(m) not in known]
    chosen = sample(found, args.number)
    if args.list:
        print(*chosen, sep="\n")
        return
    entries = noticed_earlier()
    try_all(chosen, entries, args.jobs)
    report([entries[str(mistake)] for mistake in chosen])


if __name__ == "__main__":
    main()
