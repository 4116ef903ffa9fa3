"""benchmarks/gpu.py: what is kept of steps that end, fail, hang or are killed."""

import argparse
import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time

import pytest

from tests.helpers.train_runs import ROOT, environment

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def gpu(monkeypatch):
    """The module, and those that it imports."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import gpu

    monkeypatch.setattr(gpu, "GRACE", 1)
    return gpu


@pytest.fixture
def call(gpu, tmp_path, monkeypatch, capsys):
    """Call gpu.py with steps of Python code; return its status and what it printed."""

    def call(codes, *arguments, limit=60, needs=()):
        needs = dict(needs)
        steps = [
            gpu.gpu_steps.Step(
                f"growth {name}", ["-c", code], limit, needs=needs.get(name, "")
            )
            for name, code in codes.items()
        ]
        monkeypatch.setattr(gpu.gpu_steps, "make", lambda *args, **kwargs: steps)
        folder = str(tmp_path / "figures")
        status = gpu.main(["--out", folder, "--device", "cpu", *arguments])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    call.folder = tmp_path / "figures"
    return call


@pytest.fixture
def over_at_once(gpu, call, monkeypatch):
    """Let a step's time be over as soon as it has printed the figure "slow"."""
    wait, ended = subprocess.Popen.wait, []

    def ends_early(process, timeout=None):
        if timeout in (None, gpu.GRACE):
            return wait(process, timeout)
        while not ended and process.poll() is None:
            if b"slow" in (call.folder / "figures.jsonl").read_bytes():
                ended.append(process)
                raise subprocess.TimeoutExpired("slow", timeout)
            time.sleep(0.01)
        return wait(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", ends_early)


def figure(what):
    return json.dumps(dict(table="elapsed", what=what, way="one", seconds=1.5))


def kept(call):
    found = []
    for line in (call.folder / "figures.jsonl").read_text().splitlines():
        if line.endswith("}"):  # else it was cut short
            found.append(json.loads(line))
    return found


def whats(call):
    return [line["what"] for line in kept(call) if "what" in line]


def outcomes(call):
    return [line["end"]["outcome"] for line in kept(call) if "end" in line]


GOOD = f"print('noise'); print({figure('good')!r})"
BAD = f"print({figure('bad')!r}); raise OSError('no luck')"
# Says that it goes on, and then does not.
HANGS = f"import time; print({figure('slow')!r}, flush=True); time.sleep(600)"


@pytest.mark.process
def test_what_is_done_is_not_done_again_and_what_failed_is(call):
    status, out = call({"bad": BAD, "good": GOOD})
    assert status == 1
    assert "| growth bad | failed |" in out
    assert "1 of 2 steps are done" in out
    assert whats(call) == ["bad", "good"]
    log = (call.folder / "log.txt").read_text()
    assert "Traceback" in log
    assert "OSError: no luck" in log
    assert "noise" in log
    status, out = call({"bad": GOOD.replace("good", "better"), "good": BAD})
    assert status == 0
    assert whats(call) == ["bad", "good", "better"]
    assert "2 of 2 steps are done" in out
    assert call({"bad": BAD, "good": BAD})[0] == 0
    assert len(whats(call)) == 3


@pytest.mark.process
def test_the_line_of_the_error_is_told(call):
    call({"bad": "raise OSError('no luck\\nat all')"})
    assert [line["end"]["why"] for line in kept(call) if "end" in line] == [
        "OSError: no luck"
    ]


@pytest.mark.process
def test_a_step_waits_for_what_it_needs(call):
    codes = {"first": BAD, "second": GOOD}
    status, out = call(codes, needs={"second": "growth first"})
    assert status == 1
    assert whats(call) == ["bad"]
    assert "| growth second | to do |" in out
    assert call(codes | {"first": GOOD}, needs={"second": "growth first"})[0] == 0


@pytest.mark.process
@pytest.mark.usefixtures("over_at_once")
def test_a_step_that_hangs_is_ended_at_its_limit_and_the_next_goes_on(call):
    status, out = call({"slow": HANGS, "good": GOOD}, limit=300)
    assert status == 1
    assert "it takes longer than 300 s" in out
    assert whats(call) == ["slow", "good"]
    assert outcomes(call) == ["failed", "done"]


@pytest.mark.process
@pytest.mark.usefixtures("over_at_once")
def test_all_of_the_time_that_is_given_is_never_exceeded(call):
    # The first step is given what there is, one that may take longer waits.
    status, out = call({"slow": HANGS, "good": GOOD}, "--minutes", "5", limit=3000)
    assert status == 75
    assert outcomes(call) == ["cut off"]
    assert re.search(r"\| growth slow \| cut off \| \d+ \| after 2\d\d s \|", out)
    assert "| growth good | to do |" in out
    status, _ = call({"slow": GOOD, "good": GOOD})
    assert status == 0


@pytest.mark.process
def test_what_a_step_has_started_ends_with_it(call, tmp_path):
    started = tmp_path / "started"
    code = (
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(started)!r}, 'w').write(str(p.pid))\n"
    )
    assert call({"parent": code})[0] == 0
    check_ended(int(started.read_text()))


def check_ended(pid):
    """Wait until a process has ended, or is a zombie that nobody waits for."""
    for _ in range(600):
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return
        except (FileNotFoundError, ProcessLookupError):
            return
        time.sleep(0.1)
    pytest.fail("it still runs")


@pytest.mark.process
@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="there is no /proc")
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_killed_it_leaves_a_folder_to_go_on_with(call, tmp_path, signum):
    started = tmp_path / "started"
    code = f"import os; open({str(started)!r}, 'w').write(str(os.getpid())); {HANGS}"
    program = (
        "import sys; sys.path[:0] = [sys.argv[1]]\n"
        "import gpu, signal\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "steps = [gpu.gpu_steps.Step('growth slow', ['-c', sys.argv[3]], 600)]\n"
        "gpu.gpu_steps.make = lambda *args, **kwargs: steps\n"
        "sys.exit(gpu.main(['--out', sys.argv[2], '--device', 'cpu']))\n"
    )
    arguments = map(str, (BENCHMARKS, call.folder, code))
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
    )
    file = call.folder / "figures.jsonl"
    while not file.exists() or b"slow" not in file.read_bytes():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signum)
    process.communicate()
    assert process.returncode == (130 if signum == signal.SIGTERM else -signum)
    check_ended(int(started.read_text()))
    with file.open("a") as out:
        out.write('{"step": "growth slow", "tab')  # of which the rest was not written
    assert call({"slow": GOOD})[0] == 0
    assert whats(call) == ["slow", "good"]


def test_a_folder_has_figures_of_one_kind(call, gpu):
    assert call({})[0] == 0
    status, printed = call({}, "--quick")
    assert status == 2
    assert "quick False, and not of" in printed
    assert "choose another folder" in printed
    with gpu.contextlib.closing(gpu.Folder(call.folder, kept(call)[0]["settings"])):
        status, printed = call({})
        assert status == 2
        assert "another process is at work" in printed
    assert call({})[0] == 0


def test_without_a_gpu_there_is_an_error(gpu, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "name_of", lambda device: None)
    with pytest.raises(SystemExit):
        gpu.main(["--out", "nowhere"])
    assert "--device cpu does without" in capsys.readouterr().err


class Accepted(Exception):
    """The arguments of a command are parsed."""


def parse_args(self, *args, _parse_args=argparse.ArgumentParser.parse_args):
    _parse_args(self, *args)
    raise Accepted


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_steps_have_commands_that_exist(gpu, device, quick, tmp_path, monkeypatch):
    steps = gpu.gpu_steps.make(gpu.gpu_steps.STAGES, device, tmp_path, quick=quick)
    assert len({step.name for step in steps}) == len(steps)
    assert [step.stage for step in steps] == sorted(
        (step.stage for step in steps), key=gpu.gpu_steps.STAGES.index
    )
    assert {step.stage for step in steps} == set(gpu.gpu_steps.STAGES)
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
    for step in steps:
        assert all(isinstance(word, str) for word in step.command), step
        script, *options = step.command
        if script.startswith("-"):  # pytest, or code
            files = [word for word in options if word.endswith(".py")]
            assert files or script == "-c"
            assert all((ROOT / file).is_file() for file in files), step
            continue
        monkeypatch.setattr(sys, "argv", [script, *options])
        with pytest.raises(Accepted):
            runpy.run_path(str(ROOT / script), run_name="__main__")


@pytest.mark.long
@pytest.mark.process
@pytest.mark.slow
def test_all_stages_run_without_a_gpu(tmp_path):
    command = [sys.executable, BENCHMARKS / "gpu.py", "--out", tmp_path / "figures"]
    command += ["--device", "cpu", "--quick", "--minutes", "30"]
    done = subprocess.run(
        list(map(str, command)),
        # Nearly all of the time goes into compiling.
        env=environment() | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    log = (tmp_path / "figures" / "log.txt").read_text()
    assert done.returncode == 0, done.stdout + done.stderr + log[-9000:]
    lines = (tmp_path / "figures" / "figures.jsonl").read_text().splitlines()
    tables = {line["table"] for line in map(json.loads, lines) if "table" in line}
    assert tables == {
        "machine",
        "ceilings",
        "tests",
        "speed",
        "ways",
        "startup",
        "formulations",
        "kernels",
        "training",
        "elapsed",
        "scaling",
    }
