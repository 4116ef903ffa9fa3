"""Run the test suites of Theano, Lasagne and nolearn on kfkd; write down what passes.

The suites come from the packages' source distributions on PyPI.  They run in the mode
"xla", each file in a process of its own.  The table goes into docs/compatibility.md.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "tests" / "upstream"
CACHE = ROOT / "build" / "upstream"
PAGE = ROOT / "docs" / "compatibility.md"
BEGIN, END = "<!-- begin: make upstream -->", "<!-- end: make upstream -->"

sys.path[:0] = [str(HERE)]
from rules import find_reason  # noqa: E402

# Not the packages themselves: the tests are for those that are installed.
_UNPACKED = "/tests/|/examples/|^[^/]*/nolearn/__init__.py$"

# The folders of tests, by source distribution.  Of Theano-PyMC, 1.0.11 was the last to
# ship the folders in tests/; nolearn's tests of nolearn.lasagne were in 0.6.0 last.
SUITES = {
    "Lasagne-0.1": ["lasagne/tests"],
    "nolearn-0.6.0": ["nolearn/lasagne/tests"],
    "nolearn-0.6.1": ["nolearn/tests"],
    "Theano-PyMC-1.1.2": ["tests"],
    "Theano-PyMC-1.0.11": ["tests/tensor", "tests/scan"],
}


def fetch():
    """Download the source distributions, unless they are there; unpack the tests."""
    if all((CACHE / name).exists() for name in SUITES):
        return
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    setuptools = CACHE / "setuptools"
    archives = CACHE / "archives"
    subprocess.run(
        [*pip, "install", "--target", setuptools, "setuptools<81"], check=True
    )
    # Theano-PyMC's setup.py, which pip runs to learn its name, needs the shims.
    path = [str(ROOT / "packaging" / "theano-pymc" / "shims"), str(setuptools)]
    options = ["--no-deps", "--no-binary", ":all:", "--no-build-isolation"]
    requirements = (HERE / "sources.txt").read_text(encoding="utf-8").splitlines()
    for requirement in requirements:  # one by one, since they hold two of a kind
        if requirement.startswith("#"):
            continue
        file = CACHE / "requirement.txt"
        file.write_text(requirement, encoding="utf-8")
        subprocess.run(
            [*pip, "download", *options, "--dest", archives, "--requirement", file],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
            check=True,
        )
    for name in SUITES:
        with tarfile.open(archives / f"{name}.tar.gz") as archive:
            members = [m for m in archive if re.search(_UNPACKED, m.name)]
            archive.extractall(CACHE / "new", members, filter="data")
        shutil.rmtree(CACHE / name, ignore_errors=True)
        (CACHE / "new" / name).rename(CACHE / name)


def find_files():
    """Return the files of tests, as pairs of suite and path."""
    return [
        (suite, path.relative_to(CACHE / suite).as_posix())
        for suite, folders in SUITES.items()
        for folder in folders
        for path in sorted((CACHE / suite / folder).rglob("test_*.py"))
        if "gpuarray" not in path.parts
    ]


def results_of(suite, file):
    """Return the path of the results of a file."""
    return CACHE / "results" / suite / f"{file.replace('/', '.')}.jsonl"


def run(suite, file, limit, floatX):
    """Run a file, in as many processes as it brings down."""
    results = results_of(suite, file)
    results.parent.mkdir(parents=True, exist_ok=True)
    results.touch()
    command = [sys.executable, "-P", "-m", "pytest", "-q", "--tb=short"]
    command += ["-p", "plugin", "-p", "no:cacheprovider", "-c", os.devnull]
    command += ["--rootdir", CACHE / suite, CACHE / suite / file]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE), str(ROOT)]),
        # Other plugins may change the order of the tests, on which some depend.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "THEANO_FLAGS": f"floatX={floatX},mode=xla",
        "UPSTREAM_RESULTS": str(results),
        "UPSTREAM_LIMIT": str(limit),
    }
    began = time.monotonic()
    while True:
        before = results.read_text(encoding="utf-8")
        with results.with_suffix(".log").open("a") as log:
            process = subprocess.Popen(
                command, cwd=CACHE / suite, env=environment, stdout=log, stderr=log
            )
            ending = watch(process, results, limit)
        after = results.read_text(encoding="utf-8")
        if after and ending is None:
            break
        if after == before:
            add(
                results,
                {"test": file},
                f"pytest does not run it, see its log: {ending}",
            )
            break
        last = json.loads(after.splitlines()[-1])
        if "outcome" not in last:
            add(results, last, ending)
    return time.monotonic() - began


def add(results, line, error):
    """Add a failure that the process could not note any more."""
    line = {**line, "outcome": "failed", "error": error, "line": ""}
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def watch(process, results, limit):
    """Wait for a process; return what brought it down, or None if nothing did."""
    seen, quiet = -1, 0
    while process.poll() is None:
        time.sleep(0.2)
        size = results.stat().st_size
        # Counted, for this process may have been paused, and the other with it.
        quiet = quiet + 0.2 if size == seen else 0
        seen = size
        if quiet > 2 * limit + 60:
            process.kill()
            process.wait()
            return "the process hangs"
    # 2 is an error of collecting, which the results tell, 5 that nothing was left.
    if process.returncode in (0, 1, 2, 5):
        return None
    return f"the process ends with status {process.returncode}"


def read(suite, file):
    """Return the results of a file, one for each test: the worst of its parts."""
    tests = {}
    path = results_of(suite, file)
    if path.exists():
        for text in path.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            old = tests.get(line["test"], {})
            if "outcome" in line and old.get("outcome") != "failed":
                tests[line["test"]] = line
    return list(tests.values())


def classify(result):
    """Return "passed", "failed" or "not applicable", and the cause."""
    outcome = result["outcome"]
    if outcome == "passed":
        return outcome, ""
    if outcome == "skipped":
        return "not applicable", "skips itself: " + cause(result)
    if outcome == "expected":
        return "not applicable", "expected to fail by its authors"
    reason = find_reason(result)
    return ("not applicable", reason) if reason else ("failed", cause(result))


def cause(result):
    """Return the first line of the error without what is the single case's."""
    text = result["error"]
    if text.startswith(("AssertionError: assert", "AssertionError: AssertionError")):
        text = result["line"] or text
    text = re.sub(r" \(/[^)]*\)", "", text)  # where a module's file is
    text = re.sub(r"0x[0-9a-f]+|\d+(\.\d+)?(e[-+]?\d+)?", "#", text)
    text = text.removeprefix("Skipped: ").replace("|", "/")
    return text if len(text) <= 110 else text[:107] + "..."


def tabulate(files):
    """Return the text that goes into the page."""
    import jax

    names = ("theano-pymc", "lasagne", "nolearn", "numpy", "scipy", "jax")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    device = jax.devices()[0]
    lines = [
        f"Python {sys.version.split()[0]}, {versions}, on {device.device_kind}.",
        "",
        "| tests | passed | failed | of what applies | not applicable |",
        "|---|---:|---:|---:|---:|",
    ]
    failures, reasons = collections.defaultdict(list), collections.Counter()
    for suite in SUITES:
        rows, total = [], collections.Counter()
        for file in (f for s, f in files if s == suite):
            counts = collections.Counter()
            for result in read(suite, file):
                kind, why = classify(result)
                counts[kind] += 1
                if kind == "failed":
                    failures[why].append(result["test"])
                elif kind == "not applicable":
                    reasons[why] += 1
            if counts:
                rows.append(row(file, counts))
                total += counts
        if rows:
            lines += [row(f"**{suite}**", total), *rows]
    lines += ["", "## Failures", "", "| cause | tests | such as |", "|---|---:|---|"]
    for why, tests in sorted(failures.items(), key=lambda pair: -len(pair[1])):
        name = tests[0].replace("|", "/")
        lines.append(f"| {why} | {len(tests)} | `{name}` |")
    lines += ["", "## Not applicable", "", "| reason | tests |", "|---|---:|"]
    lines += [f"| {why} | {n} |" for why, n in reasons.most_common()]
    return "\n".join(lines)


def row(name, counts):
    """Return a row of the table."""
    passed, failed = counts["passed"], counts["failed"]
    # Rounded down, so that 100 % are all.
    part = f"{1000 * passed // (passed + failed) / 10:g} %" if passed + failed else ""
    return f"| {name} | {passed} | {failed} | {part} | {counts['not applicable']} |"


def main():
    """Run what is asked for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "files",
        nargs="*",
        metavar="PATTERN",
        help="files to run, such as '*/test_sort.py' (default: all)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="run only the tests without a result"
    )
    parser.add_argument(
        "--table", action="store_true", help="write the table of the results there are"
    )
    parser.add_argument(
        "--limit",
        type=int,
        default=120,
        metavar="S",
        help="seconds that each test may take (default: %(default)s)",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=2,
        metavar="N",
        help="processes at a time (default: %(default)s)",
    )
    parser.add_argument(
        "--floatX",
        default="float64",
        help="Theano's setting of that name (default: %(default)s, as Theano's)",
    )
    arguments = parser.parse_args()
    fetch()
    files = find_files()
    chosen = [
        (suite, file)
        for suite, file in files
        if any(fnmatch.fnmatch(f"{suite}/{file}", p) for p in arguments.files or ["*"])
    ]
    if not chosen:
        parser.error(f"no file of tests is called {' or '.join(arguments.files)}")
    if not arguments.table:
        if not arguments.resume:
            for pair in chosen:
                results_of(*pair).unlink(missing_ok=True)
                results_of(*pair).with_suffix(".log").unlink(missing_ok=True)
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            rest = arguments.limit, arguments.floatX
            futures = {pool.submit(run, *pair, *rest): pair for pair in chosen}
            for future in concurrent.futures.as_completed(futures):
                suite, file = futures[future]
                kinds = collections.Counter(
                    classify(result)[0] for result in read(suite, file)
                )
                print(
                    f"{suite}/{file}: {kinds['passed']} passed, {kinds['failed']} "
                    f"failed, {kinds['not applicable']} not applicable, "
                    f"{future.result():.0f} s",
                    flush=True,
                )
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    table = tabulate(files)
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
