import dataclasses
import functools
import pathlib

import numpy as np
import pytest
import theano

from kfkd import faces, nets, reproduction, specialists, storage
from kfkd.callbacks import AdjustVariable
from kfkd.errors import ArgumentError
from kfkd.reproduction import Settings
from kfkd.storage import StorageError
from tests.helpers import small_faces
from tests.helpers.cases import parametrize

EPOCHS = {"net1": 4, "net2": 10, "net7": 30}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return faces.make(tmp_path_factory.mktemp("data"), n_train=60, n_test=3)


@pytest.fixture(autouse=True)
def small_nets(work, monkeypatch):
    """Let all nets be small and take rows of pixels."""

    def make(name, **changes):
        changes = dict(max_epochs=EPOCHS[name]) | changes
        return small_faces.small(**changes)

    monkeypatch.setattr(nets, "make", make)


@pytest.fixture
def run(tmp_path):
    return functools.partial(reproduction.run, out=tmp_path / "out")


@pytest.fixture
def settings(folder):
    return Settings(nets=("net2", "net1"), specialists=(), folder=folder)


def weights(run):
    return np.concatenate([p.get_value().ravel() for p in run.net.get_all_params()])


def no_training(*args, **kwargs):
    raise AssertionError("it was finished before")


def test_nets_are_kept_and_loaded_again(run, settings, monkeypatch, tmp_path, capsys):
    first = run(settings)
    assert list(first) == ["net1", "net2"]
    assert [len(r.net.train_history_) for r in first.values()] == [4, 10]
    assert not any(r.problem for r in first.values())
    out = capsys.readouterr().out
    assert "net1 (1 of 2)\n" in out
    assert "net2 (2 of 2)\n" in out

    monkeypatch.setattr(small_faces.NeuralNet, "fit", no_training)
    again = run(settings)
    for name in first:
        assert np.array_equal(weights(again[name]), weights(first[name]))
        assert again[name].record == first[name].record
        assert again[name].record["versions"]["lasagne"] == "0.1"
        assert again[name].record["device"].startswith(("cpu", "cuda"))
    assert capsys.readouterr().out.count("finished before\n") == 2
    # Nothing of this class stays in the nets.
    net = storage.load(tmp_path / "out" / "net1.pickle")
    assert net.on_epoch_finished == []


@parametrize(
    ("change", "words"),
    [
        (dict(seed=7), "seed 42, now 7"),
        (dict(epochs_scale=0.5), "epochs 4, now 2"),
        (dict(batch_size=4), "batch size 128, now 4"),
        (dict(holdout=0.5), "holdout 0.0, now 0.5"),
    ],
    fast=2,
)
def test_with_other_settings_nets_are_trained_anew(
    run, settings, change, words, capsys
):
    settings = dataclasses.replace(settings, nets=("net1",))
    before = run(settings)["net1"]
    capsys.readouterr()
    after = run(dataclasses.replace(settings, **change))["net1"]
    assert f"anew, as it was trained with {words}\n" in capsys.readouterr().out
    assert not np.array_equal(weights(before), weights(after))
    assert after.net.batch_iterator_train.batch_size == after.record["batch_size"]


def test_with_another_precision_nets_are_trained_anew(
    run, settings, monkeypatch, capsys
):
    settings = dataclasses.replace(settings, nets=("net1",))
    for precision in ("float32", "bfloat16", "bfloat16"):
        monkeypatch.setattr("kfkd.xla.precision._chosen", precision)
        run(settings)
    out = capsys.readouterr().out
    assert out.count("trained with precision float32, now bfloat16\n") == 1
    assert out.count("finished before\n") == 1


def test_with_other_data_nets_are_trained_anew(run, settings, tmp_path, capsys):
    settings = dataclasses.replace(settings, nets=("net1",))
    run(settings)
    other = faces.make(tmp_path / "other", seed=1, n_train=60, n_test=3)
    run(dataclasses.replace(settings, folder=other))
    assert "anew, as it was trained with other data\n" in capsys.readouterr().out


def test_a_damaged_net_is_trained_again(run, settings, tmp_path):
    run(settings)
    (tmp_path / "out" / "net1.pickle").write_bytes(b"damaged")
    assert len(run(settings)["net1"].net.train_history_) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            dict(nets=("net1", "nett7")),
            "a name in nets is 'nett7'; it must be one of net1, .*modern "
            r"\(did you mean 'net7'\?\)",
        ),
        (dict(nets="net1"), "nets is 'net1'; it must be a list of names"),
        (
            dict(specialists=("scrach",)),
            "a name in specialists is 'scrach'; it must be one of scratch, pretrained "
            r"\(did you mean 'scratch'\?\)",
        ),
        (
            dict(specialists=("pretrained",), pretrain="net1"),
            "pretrain is 'net1'; it must be one of net2, ",
        ),
        (dict(epochs_scale=0), "epochs_scale is 0; it must be a finite number, more"),
        (
            dict(epochs_scale=1e308),
            r"epochs_scale is 1e\+308; it must be at most",
        ),
        (dict(batch_size=0), "batch_size is 0; it must be a whole number of at least"),
        (dict(holdout=1), "holdout is 1; it must be a share from 0 to less than 1"),
    ],
)
def test_faulty_settings(change, message):
    with pytest.raises(ArgumentError, match=f"^{message}"):
        Settings(**change)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (dict(log_every=0), ArgumentError, "^log_every is 0; it must be a whole"),
        (dict(n_jobs=0), ArgumentError, "^n_jobs is 0; it must be a whole number"),
        (dict(checkpoint_every={"hours": 1}), ArgumentError, "a key of checkpoint"),
        (dict(out=5), ArgumentError, "^folder is 5; it must be a path"),
        (dict(out="file"), StorageError, "the folder file cannot be made: there is"),
    ],
)
def test_faulty_options(run, settings, monkeypatch, options, error, message):
    pathlib.Path("file").touch()
    monkeypatch.setattr(small_faces.NeuralNet, "fit", no_training)
    with pytest.raises(error, match=message):
        run(settings, **options)


def test_a_net_that_fails_loses_no_other(run, settings, monkeypatch, capsys):
    fit = small_faces.NeuralNet.fit

    def broken(net, X, y, **options):
        if net.max_epochs == EPOCHS["net1"]:
            raise MemoryError("there is no room")
        return fit(net, X, y, **options)

    monkeypatch.setattr(small_faces.NeuralNet, "fit", broken)
    runs = run(settings)
    assert runs["net1"].problem == "training failed: MemoryError: there is no room"
    assert runs["net1"].net is None
    assert len(runs["net2"].net.train_history_) == 10
    # It is tried again.
    monkeypatch.setattr(small_faces.NeuralNet, "fit", fit)
    assert not run(settings)["net1"].problem


def test_a_net_that_diverges_stops_and_loses_no_other(run, settings, monkeypatch):
    make = nets.make

    def wild(name, **changes):
        if name == "net2":
            changes |= dict(
                update_learning_rate=theano.shared(np.float32(0.01)),
                on_epoch_finished=[AdjustVariable("update_learning_rate", 0.01, 1e20)],
            )
        return make(name, **changes)

    monkeypatch.setattr(nets, "make", wild)
    settings = dataclasses.replace(
        settings, nets=("net2", "net7"), specialists=("pretrained",), pretrain="net2"
    )
    runs = run(settings)
    history = runs["net2"].net.train_history_
    assert len(history) < 10
    assert np.isfinite([row["valid_loss"] for row in history]).all()
    problem = runs["net2"].problem
    assert problem.startswith(f"training diverged: In epoch {len(history) + 1}, the ")
    assert not runs["net7"].problem
    assert runs["specialists-pretrained"].problem == (
        "net2, from which they start, can't be used"
    )
    # The same would come of it again.
    monkeypatch.setattr(small_faces.NeuralNet, "fit", no_training)
    assert run(settings)["net2"].problem == runs["net2"].problem


def test_ctrl_c_keeps_what_is_finished(run, settings, monkeypatch, tmp_path):
    fit = small_faces.NeuralNet.fit

    def interrupted(net, X, y, **options):
        if net.max_epochs == EPOCHS["net2"]:
            net.interrupted_ = True
            return net
        return fit(net, X, y, **options)

    monkeypatch.setattr(small_faces.NeuralNet, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(settings)
    found = run(settings, train=False)
    assert list(found) == ["net1"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "net1.json",
        "net1.pickle",
    ]


@pytest.fixture
def fitted(monkeypatch):
    """Take the place of the training of specialists; say how it was called."""
    calls = []

    def fit_specialists(pretrain, **options):
        calls.append((pretrain, options))
        net = small_faces.small(output_num_units=2)
        X, y = small_faces.rows(20)
        return {("nose_tip_x", "nose_tip_y"): net.fit(X, y[:, :2])}

    monkeypatch.setattr(specialists, "fit_specialists", fit_specialists)
    return calls


def test_specialists_start_from_a_net_of_the_run(run, settings, fitted, tmp_path):
    settings = dataclasses.replace(
        settings, specialists=("scratch", "pretrained"), epochs_scale=0.5, holdout=0.1
    )
    assert settings.names() == ["net1", "net2", "net7"]
    runs = run(settings, n_jobs=3, log_every=9)
    assert list(runs) == [*settings.names(), "specialists-scratch", *list(runs)[-1:]]
    (none, options), (start, others) = fitted
    assert none is None
    assert start is runs["net7"].net
    assert others["out"] == tmp_path / "out" / "specialists-pretrained.pickle"
    assert options["out"] == tmp_path / "out" / "specialists-scratch.pickle"
    expected = dict(n_jobs=3, log_every=9, epochs_scale=0.5, holdout=0.1, seed=42)
    assert expected.items() <= options.items()
    assert expected.items() <= others.items()
    assert runs["specialists-pretrained"].record["start"] == "net7"

    again = run(settings)
    assert len(fitted) == 2
    assert list(again) == list(runs)
    # Another net to start from makes other specialists of those that do.
    run(dataclasses.replace(settings, pretrain="net2"))
    assert len(fitted) == 3


def test_specialists_that_fail_lose_no_net(run, settings, monkeypatch):
    def fail(*args, **kwargs):
        raise specialists.SpecialistError("nose_tip (there is no room)")

    monkeypatch.setattr(specialists, "fit_specialists", fail)
    runs = run(dataclasses.replace(settings, specialists=("scratch",)))
    assert "nose_tip (there is no room)" in runs["specialists-scratch"].problem
    assert not runs["net1"].problem


def test_all_of_the_tutorials_table_is_trained_by_default():
    assert Settings().wanted() == [
        *(f"net{i}" for i in (1, 2, 3, 4, 5, 6, 7, 12)),
        "modern",  # which is not in it
        "specialists-pretrained",
    ]
