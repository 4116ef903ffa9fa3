"""Reports of workers, with threads in the place of their processes."""

import contextlib
import multiprocessing.util
import os
import pickle
import queue
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client

import pytest

from kfkd.jobs import progress_channel
from kfkd.jobs.progress_channel import ProgressChannel


@pytest.fixture
def reports():
    return queue.Queue()


@pytest.fixture
def channel(reports):
    channel = ProgressChannel(lambda *report: reports.put(report))
    yield channel
    channel.close()


def worker(channel, monkeypatch, pid):
    """Return the sender as a process of its own has it."""
    sender = pickle.loads(pickle.dumps(channel.sender))
    monkeypatch.setattr(os, "getpid", lambda: pid)
    sender.connect()
    return sender


def test_workers_are_numbered(channel, monkeypatch):
    assert channel.sender.in_same_process
    places = [worker(channel, monkeypatch, pid).place for pid in (-1, -2, -1, -3)]
    assert places == [0, 1, 0, 2]
    assert not channel.sender.in_same_process  # by the process's number


def test_reports_arrive_in_order(channel, reports, monkeypatch):
    sender = worker(channel, monkeypatch, -1)
    assert sender.reached
    for epoch in range(100):
        sender.send("nose_tip", epoch=epoch)
    received = [reports.get(timeout=60) for _ in range(100)]
    assert received == [("nose_tip", {"epoch": epoch}) for epoch in range(100)]


def test_work_in_the_same_process_reports_by_a_call(channel, reports):
    channel.sender.connect()
    assert channel.sender.place is None
    channel.sender.send("nose_tip", epoch=1)
    assert reports.get_nowait() == ("nose_tip", {"epoch": 1})


def test_work_ends_when_the_channel_is_closed(reports, monkeypatch):
    channel = ProgressChannel(reports.put)
    sender = worker(channel, monkeypatch, -1)
    channel.close()
    with pytest.raises(KeyboardInterrupt):
        sender.send("nose_tip", epoch=1)
    assert not channel._thread.is_alive()


def test_who_cannot_reach_the_channel_is_silent(reports, monkeypatch):
    channel = ProgressChannel(reports.put)
    channel.close()
    sender = worker(channel, monkeypatch, -1)
    assert not sender.reached
    sender.send("nose_tip", epoch=1)
    assert reports.empty()


def test_who_is_on_the_same_machine_and_cannot_has_lost_it(reports, monkeypatch):
    channel = ProgressChannel(reports.put, local=True)
    channel.close()
    with pytest.raises(KeyboardInterrupt):
        worker(channel, monkeypatch, -1)


def test_others_do_not_disturb(channel, reports, monkeypatch):
    sender = worker(channel, monkeypatch, -1)
    address = channel._server.address
    with contextlib.suppress(OSError), Client(address):
        pass  # killed before it has said who it is
    with pytest.raises(AuthenticationError):
        Client(address, authkey=b"guessed")
    with Client(address, authkey=sender._key):
        pass  # killed before it has reported
    with Client(address), Client(address, authkey=sender._key):  # which say nothing
        sender.send("nose_tip", epoch=1)
        assert reports.get(timeout=60) == ("nose_tip", {"epoch": 1})


def test_no_more_than_some_connect_at_a_time(reports, monkeypatch):
    monkeypatch.setattr(progress_channel, "_MOST", 2)
    channel = ProgressChannel(lambda *report: reports.put(report))
    address = channel._server.address
    silent = [Client(address), Client(address)]
    third = Client(address)
    assert not third.poll(0.5)  # it waits, and is asked nothing
    silent.pop().close()
    assert third.poll(60)
    channel.close()  # while none is free
    assert not channel._thread.is_alive()
    for connection in (third, *silent):
        connection.close()


@pytest.mark.parametrize("message", [b"", b"junk", 5, (), ([],)])
def test_nor_do_messages_that_are_none(channel, reports, monkeypatch, message):
    sender = worker(channel, monkeypatch, -1)
    with Client(sender._address, authkey=sender._key) as connection:
        whole = message if isinstance(message, bytes) else pickle.dumps(message)
        connection.send_bytes(whole)
    sender.send("nose_tip", epoch=1)
    assert reports.get(timeout=60) == ("nose_tip", {"epoch": 1})


@pytest.mark.parametrize("error", [BrokenPipeError, ValueError])
def test_work_goes_on_if_nobody_reads_the_output(error, reports, monkeypatch):
    def fail(name, news):
        reports.put(news)
        raise error

    channel = ProgressChannel(fail)
    sender = worker(channel, monkeypatch, -1)
    for epoch in (1, 2):
        sender.send("nose_tip", epoch=epoch)
        assert reports.get(timeout=60) == {"epoch": epoch}
    channel.close()


def test_a_temporary_folder_of_a_long_name(reports, monkeypatch, tmp_path):
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    monkeypatch.setattr(multiprocessing.util, "get_temp_dir", lambda: str(folder))
    channel = ProgressChannel(lambda *report: reports.put(report))
    sender = worker(channel, monkeypatch, -1)
    sender.send("nose_tip", epoch=1)
    assert reports.get(timeout=60) == ("nose_tip", {"epoch": 1})
    channel.close()
