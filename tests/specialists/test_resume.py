"""Specialists that are kept: what is trained again, and what is not."""

import json
import re
from pathlib import Path

import pytest

from kfkd import faces, nets, storage
from kfkd.callbacks import EarlyStopping
from kfkd.specialists import SpecialistError, fit_specialists
from tests.helpers.fake_workers import (
    COLUMNS,
    NAMES,
    SMALL,
    small,
    trained,
)

pytestmark = pytest.mark.usefixtures("work")


def test_they_are_saved_together_and_each_with_a_log(training, folder, tmp_path):
    out = tmp_path / "all.pickle"
    fitted = fit_specialists(settings=small(), folder=folder, out=out)
    assert list(fitted) == list(COLUMNS.values())
    assert list(storage.load(out)) == list(fitted)
    parts = tmp_path / "all.parts"
    for name in NAMES:
        log = (parts / f"{name}.log").read_text()
        assert re.findall(r"^ +(\d)  \|", log, re.MULTILINE) == ["1", "2", "3"]
        assert json.loads((parts / f"{name}.json").read_text())["seed"] == 42
    assert len(list(parts.iterdir())) == 18


def test_what_is_there_is_not_trained_again(training, folder, capsys):
    arguments = dict(settings=small(), folder=folder)
    training.faults["nose_tip"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        fit_specialists(**arguments)
    assert training.names == ["left_eye_center", "nose_tip"]
    out = capsys.readouterr().out
    assert f"Not finished: {', '.join(NAMES[1:])}. Finished, and kept in" in out
    assert not Path("net-specialists.pickle").exists()

    training.faults.clear()
    fit_specialists(**arguments)
    assert training.names == NAMES[1:]
    assert "(done before, see net-specialists.parts/left_eye" in capsys.readouterr().out
    fit_specialists(**arguments)
    assert training.names == []

    # A damaged one is.
    path = Path("net-specialists.parts/nose_tip.pickle")
    path.write_bytes(path.read_bytes()[:-1])
    fit_specialists(**arguments)
    assert training.names == ["nose_tip"]


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        (dict(seed=1), "seed 42, now 1"),
        (dict(batch_size=4), "batch size 128, now 4"),
        (dict(epochs_scale=0.5), r"epochs \d+, now \d+"),
        (dict(holdout=0.2), "holdout 0, now 0.2"),
        (dict(settings=small(verbose=0)), "other parameters"),
        (dict(max_rows=9), r"rows \d+, now 9"),
    ],
)
def test_what_was_made_otherwise_is_trained_anew(
    changes, difference, training, folder, capsys
):
    first = dict(settings=small(), folder=folder)
    fit_specialists(**first)
    assert training.names == NAMES
    capsys.readouterr()
    fit_specialists(**first | changes)
    assert training.names == NAMES
    out = capsys.readouterr().out
    assert len(re.findall(f"anew: was trained with .*{difference}", out)) == 6
    kept = re.search(r"^What was there is kept: (.+)$", out, re.M)[1].split(", ")
    assert sorted(Path(path).name for path in kept) == sorted(
        f"{name}.old.pickle" for name in NAMES
    )
    fit_specialists(**first | changes)
    assert training.names == []


def test_equal_objects_among_the_parameters_are_the_same(training, folder):
    for patience, names in ((3, NAMES), (3, []), (4, NAMES)):
        settings = small(on_epoch_finished=[EarlyStopping(patience)])
        fit_specialists(settings=settings, folder=folder)
        assert training.names == names


def test_other_data_or_another_start_are_noticed(training, folder, tmp_path, capsys):
    arguments = dict(settings=small(), folder=folder)
    fit_specialists(**arguments)
    other = faces.make(tmp_path / "other", seed=1, n_train=40, n_test=1)
    fit_specialists(**arguments | dict(folder=other))
    assert training.names == NAMES * 2
    assert capsys.readouterr().out.count("other data") == 6
    for seed in (1, 2):
        start = trained(nets.make("net6", **SMALL).seed(seed))
        fit_specialists(start, **arguments)
    assert training.names == NAMES * 2


def test_a_failure_leaves_the_others(training, folder):
    arguments = dict(settings=small(), folder=folder)
    training.faults["nose_tip"] = MemoryError("no room")
    with pytest.raises(SpecialistError, match=r"nose_tip \(MemoryError: no room\)"):
        fit_specialists(**arguments)
    assert training.names == NAMES
    log = Path("net-specialists.parts/nose_tip.log").read_text()
    assert "Traceback" in log
    training.faults.clear()
    assert list(fit_specialists(**arguments)) == list(COLUMNS.values())
    assert training.names == ["nose_tip"]


def test_one_alone(training, folder):
    arguments = dict(settings=small(), folder=folder)
    assert list(fit_specialists(only=["nose_tip"], **arguments)) == [
        COLUMNS["nose_tip"]
    ]
    fitted = fit_specialists(only=[COLUMNS["left_eye_center"]], **arguments)
    assert list(fitted) == [COLUMNS["left_eye_center"], COLUMNS["nose_tip"]]
    assert list(storage.load("net-specialists.pickle")) == list(fitted)
    assert training.names == ["nose_tip", "left_eye_center"]
    fit_specialists(**arguments)
    assert training.names == NAMES[2:]
    # With another seed, as is wished for one; the others stay.
    fitted = fit_specialists(only=["nose_tip"], seed=3, **arguments)
    assert (training.names, len(fitted)) == (["nose_tip"], 6)


def test_one_alone_keeps_those_that_are_in_the_file_only(training, folder, tmp_path):
    arguments = dict(settings=small(), folder=folder, only=["nose_tip"])
    old = {columns: nets.make("net6") for columns in COLUMNS.values()}
    storage.save(old, "net-specialists.pickle")
    fitted = fit_specialists(**arguments)
    assert list(fitted) == list(old)
    assert [bool(net.train_history_) for net in fitted.values()] == [0, 1, 0, 0, 0, 0]
    storage.save(nets.make("net6"), "single.pickle")
    with pytest.raises(SpecialistError, match="holds a single net"):
        fit_specialists(**arguments, out="single.pickle")


def test_nets_that_have_seen_other_rows_are_not_put_together(training, folder):
    arguments = dict(settings=small(), folder=folder)
    fit_specialists(holdout=0.1, **arguments)
    assert training.names == NAMES
    with pytest.raises(SpecialistError, match=r"another holdout \(0.1, now 0.2\)"):
        fit_specialists(holdout=0.2, only=["nose_tip"], **arguments)
    assert training.names == []
    storage.save({COLUMNS["left_eye_center"]: nets.make("net6")}, "old.pickle")
    with pytest.raises(SpecialistError, match="is not known"):
        fit_specialists(holdout=0.2, only=["nose_tip"], out="old.pickle", **arguments)
