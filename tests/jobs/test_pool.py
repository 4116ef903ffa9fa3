"""Specialists that train one after the other, and at the same time."""

import re
import signal

import joblib
import numpy as np
import pytest

from kfkd import faces
from kfkd.jobs import pool
from kfkd.process.signals import sigterm_as_keyboard_interrupt
from kfkd.specialists import SPECIALIST_SETTINGS, SpecialistError, fit_specialists
from tests.helpers.cases import parametrize
from tests.helpers.fake_workers import NAMES, SMALL, be_killed

pytestmark = pytest.mark.usefixtures("work")

EPOCHS = [1, 3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with Kaggle's files."""
    return faces.make(tmp_path_factory.mktemp("data"), n_train=40, n_test=1)


@pytest.fixture(scope="module")
def settings():
    """Two specialists, of a few epochs each."""
    return [
        dict(s, kwargs=SMALL | dict(max_epochs=epochs))
        for s, epochs in zip(SPECIALIST_SETTINGS, EPOCHS, strict=False)
    ]


@pytest.fixture(scope="module")
def one_after_the_other(settings, folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("single") / "all.pickle"
    return fit_specialists(settings=settings, folder=folder, out=out)


def assert_same(ours, theirs):
    assert list(ours) == list(theirs)
    for columns, net in ours.items():
        other = theirs[columns]
        losses, others = (
            [(row["train_loss"], row["valid_loss"]) for row in n.train_history_]
            for n in (net, other)
        )
        assert losses == others
        ours_, theirs_ = (n.get_all_params_values() for n in (net, other))
        for layer in ours_:
            for p, q in zip(ours_[layer], theirs_[layer], strict=True):
                assert np.array_equal(p, q)


def logged(folder):
    """Return how many epochs each log has."""
    return [
        len(re.findall(r"^ +\d+  \|", (folder / f"{name}.log").read_text(), re.M))
        for name in NAMES[: len(EPOCHS)]
    ]


def test_they_train_and_come_as_they_were_saved(one_after_the_other):
    for epochs, net in zip(EPOCHS, one_after_the_other.values(), strict=True):
        assert len(net.train_history_) == epochs
        assert net.verbose == 1
        assert len(net.on_epoch_finished) == 3
        # After the last epoch, the schedules have come to their ends.
        if epochs > 1:
            assert net.update_momentum.get_value() == np.float32(0.999)


@pytest.mark.process
@parametrize("backend", ["loky", "threading"], fast=1)
def test_they_are_the_same_in_parallel(
    backend, one_after_the_other, settings, folder, tmp_path
):
    out = tmp_path / "all.pickle"
    with joblib.parallel_config(backend):
        ours = fit_specialists(settings=settings, folder=folder, n_jobs=2, out=out)
    assert_same(ours, one_after_the_other)
    assert logged(tmp_path / "all.parts") == EPOCHS


@pytest.mark.process
@pytest.mark.slow
def test_they_are_the_same_on_a_dask_cluster(
    one_after_the_other, settings, folder, tmp_path
):
    distributed = pytest.importorskip("distributed")
    out = tmp_path / "all.pickle"
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):
        ours = fit_specialists(settings=settings, folder=folder, out=out)
    assert_same(ours, one_after_the_other)
    assert logged(tmp_path / "all.parts") == EPOCHS


@pytest.mark.process
@pytest.mark.slow
def test_a_worker_that_is_killed_is_an_error(settings, folder, tmp_path):
    killed = [
        dict(s, kwargs=SMALL | {"on_epoch_finished": [be_killed]}) for s in settings
    ]
    # Said once, for one of them or both.
    message = r"\(a worker was killed, perhaps as memory was short\)\. .+ do the same"
    with pytest.raises(SpecialistError, match=rf"failed: [\w, ]+ {message} again\.$"):
        fit_specialists(settings=killed, folder=folder, n_jobs=2, out=tmp_path / "all")


class Interrupted:
    """In the place of ``joblib.Parallel``: signals come while it starts or ends."""

    def __init__(self, number, start, end):
        self.number, self.start, self.end, self.closed = number, start, end, False

    def __call__(self, calls):
        if self.start:
            signal.raise_signal(self.number)
        return self

    def __iter__(self):
        return iter([1])

    def close(self):
        if self.end:
            signal.raise_signal(self.number)
            signal.raise_signal(self.number)
        self.closed = True


class InterruptedWaiting(Interrupted):
    """Signals come while results are awaited, and while that is broken off."""

    def __init__(self, number):
        super().__init__(number, False, False)

    def __call__(self, calls):
        try:
            yield 1
            signal.raise_signal(self.number)
            yield 2
        finally:
            signal.raise_signal(self.number)
            self.closed = True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_while_workers_are_ended_wait_for_that(monkeypatch, number):
    parallel = InterruptedWaiting(number)
    monkeypatch.setattr(pool.joblib, "Parallel", lambda *args, **kwargs: parallel)
    results = []

    def use():
        with sigterm_as_keyboard_interrupt(), pool.as_completed([], 1) as found:
            for result in found:
                results.append(result)

    with pytest.raises(KeyboardInterrupt):
        use()
    assert results == [1]
    assert parallel.closed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("start", "end"), [(True, False), (False, True), (True, True)])
def test_signals_let_no_process_be_forgotten(monkeypatch, number, start, end):
    parallel = Interrupted(number, start, end)
    monkeypatch.setattr(pool.joblib, "Parallel", lambda *args, **kwargs: parallel)

    def use():
        with sigterm_as_keyboard_interrupt(), pool.as_completed([], 1) as found:
            assert list(found) == [1]
            assert not start

    with pytest.raises(KeyboardInterrupt):
        use()
    assert parallel.closed
