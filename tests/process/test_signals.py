"""Signals that are held while something is made and saved."""

import contextlib
import signal
import subprocess
import sys

import pytest

from kfkd.process import signals
from kfkd.process.signals import (
    hold_signals,
    raise_held_signal,
    sigterm_as_keyboard_interrupt,
)


@pytest.fixture(autouse=True)
def handlers():
    """Check that all handlers are as before in the end."""
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    before = {number: signal.getsignal(number) for number in numbers}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before.pop(signal.SIGINT))
    assert {number: signal.getsignal(number) for number in before} == before


def test_the_first_is_raised_where_it_is_asked_for_and_no_more():
    with hold_signals():
        raise_held_signal()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            raise_held_signal()
        raise_held_signal()


def save(done, before, within=contextlib.nullcontext):
    """Save something in a block, after what comes `before`."""
    with hold_signals():
        with within():
            before()
        done.append("saved")


@pytest.mark.parametrize("times", [1, 6])
@pytest.mark.parametrize("within", [contextlib.nullcontext, hold_signals])
def test_others_wait_for_the_end(times, within):
    def interrupt():
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)

    done = []
    with pytest.raises(KeyboardInterrupt):
        save(done, interrupt, within)
    assert done == ["saved"]


def test_a_second_one_waits_too(capfd):
    def interrupt():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            raise_held_signal()
        signal.raise_signal(signal.SIGINT)

    done = []
    with pytest.raises(KeyboardInterrupt):
        save(done, interrupt)
    assert done == ["saved"]
    assert capfd.readouterr().err == "\nFirst, what has been learnt is saved.\n"


def test_where_the_first_is_raised_others_do_not_break_off_what_it_causes():
    done = []

    def clear_up():
        with hold_signals(but_first=True):
            try:
                signal.raise_signal(signal.SIGINT)
                done.append("not interrupted")
            finally:
                signal.raise_signal(signal.SIGINT)
                done.append("cleared up")

    with pytest.raises(KeyboardInterrupt):
        clear_up()
    assert done == ["cleared up"]


def test_a_block_that_holds_all_holds_the_first_one_too():
    done = []

    def use():
        with hold_signals(but_first=True):
            save(done, lambda: signal.raise_signal(signal.SIGINT))
            done.append("not interrupted")

    with pytest.raises(KeyboardInterrupt):
        use()
    assert done == ["saved"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_its_number(number):
    with sigterm_as_keyboard_interrupt() as received:
        with pytest.raises(KeyboardInterrupt):
            save([], lambda: signal.raise_signal(number))
        with hold_signals():
            signal.raise_signal(number)
            with pytest.raises(KeyboardInterrupt):
                raise_held_signal()
    assert received == [number, number]


def test_one_who_insists_gives_up(monkeypatch, capfd):
    def insist():
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGINT):
            done.append(number)
            signal.raise_signal(number)

    monkeypatch.setattr(signals, "_PATIENCE", -1)
    done = []
    with pytest.raises(KeyboardInterrupt):
        save(done, insist)
    assert done == [signal.SIGINT] * 3  # and nothing is saved
    assert "what has not been saved is lost" in capfd.readouterr().err


def test_one_that_is_ignored_stays_so():
    with sigterm_as_keyboard_interrupt():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            with hold_signals():
                signal.raise_signal(signal.SIGINT)
                raise_held_signal()
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_error_in_the_block_is_what_is_raised():
    def fail():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        save([], fail)


EXITING = """
def wait():
    print("exiting", flush=True)
    time.sleep(600)

def wait_for_exit():
    while signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        time.sleep(0.01)
    wait()

def callbacks():
    atexit.register(wait)

def threads():
    threading.Thread(target=wait_for_exit).start()
"""


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("exiting", ["callbacks", "threads"])
def test_one_that_comes_when_python_exits_ends_it_in_silence(number, exiting):
    program = (
        "import atexit, signal, threading, time\n"
        "from kfkd.process.signals import end_at_once_at_exit\n"
        f"{EXITING}\n"
        f"{exiting}()\n"
        "end_at_once_at_exit()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "exiting\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert err == ""


@pytest.mark.process
def test_workers_of_joblib_end_with_it():
    program = (
        "import os, signal, threading, time\n"
        "from joblib.externals import loky\n"
        "from kfkd.process.signals import end_at_once_at_exit\n"
        "workers = loky.get_reusable_executor(1)\n"
        "workers.submit(os.getpid).result()\n"
        "workers.submit(time.sleep, 600)\n"
        "end_at_once_at_exit()\n"
        f"{EXITING}\n"
        "threads()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # where joblib tells of what it clears up
        text=True,
    ) as process:
        assert process.stdout.readline() == "exiting\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)  # until no process holds its output
    assert process.returncode == 128 + signal.SIGTERM
