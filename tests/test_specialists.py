import copy
import json
import pickle
import re

import drawn
import joblib
import numpy as np
import pytest
from lasagne import layers
from sklearn.dummy import DummyRegressor

import kfkd.specialists.job
from kfkd import data, faces, nets, storage
from kfkd.specialists import SPECIALIST_SETTINGS, SpecialistError, fit_specialists
from kfkd.specialists.job import Outcome

# The dense layers alone, with few units: no time to compile and to train.
SMALL = dict(
    layers=[
        ("input", layers.InputLayer),
        ("hidden4", layers.DenseLayer),
        ("output", layers.DenseLayer),
    ],
    hidden4_num_units=3,
)
NAMES = [
    "left_eye_center",
    "nose_tip",
    "mouth_left_corner",
    "mouth_center_bottom_lip",
    "left_eye_inner_corner",
    "left_eyebrow_inner_end",
]
COLUMNS = dict(zip(NAMES, (s["columns"] for s in SPECIALIST_SETTINGS), strict=True))

pytestmark = pytest.mark.usefixtures("work")


def small(**changes):
    return [dict(s, kwargs=SMALL | changes) for s in SPECIALIST_SETTINGS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with Kaggle's files."""
    return faces.make(tmp_path_factory.mktemp("data"), n_train=40, n_test=1)


class Pretended:
    """Trainings that take no time: what they were asked for, and what comes of them."""

    def __init__(self):
        self.jobs, self.weights, self.faults = [], None, {}

    def __call__(self, job, images, labels, weights, link):
        self.jobs.append(job)
        self.weights = weights
        if job.name in self.faults:
            raise self.faults[job.name]
        link.tell(head=job.name)
        net = job.net()
        for epoch in (1, 2, 3):
            row = dict(epoch=epoch, train_loss=0.2, valid_loss=epoch / 10, dur=1.0)
            net.train_history_.append(row)
            link.tell(**row)
        return Outcome(job.name, pickle.dumps(net), net.train_history_)

    @property
    def names(self):
        """Those trained since the last look."""
        names = [job.name for job in self.jobs]
        self.jobs = []
        return names


@pytest.fixture
def pretended(monkeypatch):
    pretended = Pretended()
    monkeypatch.setattr(kfkd.specialists.job, "_train", pretended)
    return pretended


def test_settings_are_those_of_the_text():
    pairs = [setting["flip_indices"] for setting in SPECIALIST_SETTINGS]
    assert pairs == [
        [(0, 2), (1, 3)],
        [],
        [(0, 2), (1, 3)],
        [],
        [(0, 2), (1, 3), (4, 6), (5, 7)],
        [(0, 2), (1, 3), (4, 6), (5, 7)],
    ]
    columns = [setting["columns"] for setting in SPECIALIST_SETTINGS]
    assert [len(group) for group in columns] == [4, 2, 6, 2, 8, 8]
    assert [group[0] for group in columns] == [f"{name}_x" for name in NAMES]
    assert sorted(sum(columns, ())) == sorted(data.COLUMNS)


@pytest.mark.parametrize("pretrained", [False, True])
@pytest.mark.parametrize("scale", [1.0, 0.01, 1e-9])
def test_epochs_follow_the_number_of_rows(pretended, folder, pretrained, scale):
    start = trained(nets.make("net6", **SMALL)) if pretrained else None
    fit_specialists(start, settings=small(), folder=folder, epochs_scale=scale)
    for job in pretended.jobs:
        _, y = data.load(cols=job.columns, folder=folder)
        assert len(job.rows) == len(y)
        epochs = max(1, int((4e6 if pretrained else 1e7) / len(y) * scale))
        assert job.changes["max_epochs"] == job.net().max_epochs == epochs
    assert len({len(job.rows) for job in pretended.jobs}) > 1


def test_each_net_is_net8_with_parts_of_its_own(pretended, folder):
    fit_specialists(folder=folder, batch_size=16, seed=7)
    reference = nets.make("net8")
    made = [job.net() for job in pretended.jobs]
    for net, setting in zip(made, SPECIALIST_SETTINGS, strict=True):
        assert net.output_num_units == len(setting["columns"])
        assert net.batch_iterator_train.flip_indices == setting["flip_indices"]
        assert net.batch_iterator_train.batch_size == 16
        assert net.batch_iterator_test.batch_size == 16
        assert net.hidden4_num_units == reference.hidden4_num_units == 1000
        assert net.layers == reference.layers
        assert net.on_epoch_finished[-1].patience == 200
    for own in (
        lambda net: net.update_learning_rate,
        lambda net: net.update_momentum,
        lambda net: net.batch_iterator_train.random,
        lambda net: net.on_epoch_finished[0],
        lambda net: net.on_epoch_finished[2],
    ):
        assert len({id(own(net)) for net in made}) == 6


def test_kwargs_change_one_net_alone(pretended, folder):
    settings = copy.deepcopy(SPECIALIST_SETTINGS)
    settings[1]["kwargs"] = dict(dropout2_p=0.3, dropout3_p=0.4)
    fitted = fit_specialists(settings=settings, folder=folder)
    values = [(net.dropout2_p, net.dropout3_p) for net in fitted.values()]
    assert values[1] == (0.3, 0.4)
    assert values[:1] + values[2:] == [(0.2, 0.3)] * 5


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            dict(columns=COLUMNS["nose_tip"], kwargs=dict(dropuot2_p=0.3)),
            "the specialist for nose_tip: net8 has no parameter 'dropuot2_p'; did you "
            "mean 'dropout2_p'?",
        ),
        (dict(columns=("nose_tipx",)), "did you mean 'nose_tip_x'?"),
        (dict(columns=COLUMNS["nose_tip"], kwarg={}), "did you mean 'kwargs'?"),
        (
            dict(columns=("left_eye_center_x", "left_eye_center_y")),
            "is a column of two",
        ),
        (dict(columns=("mouth_left_corner_x",)), "'mouth_right_corner_x' is not"),
        (("nose_tip_x", "nose_tip_y"), "must be a dict"),
        (dict(flip_indices=[]), "must be a dict with the columns"),
    ],
)
def test_faulty_settings(setting, message, folder):
    with pytest.raises(ValueError, match=re.escape(message)):
        fit_specialists(settings=[SPECIALIST_SETTINGS[0], setting], folder=folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(settings=[]), "the settings are empty"),
        (
            dict(only=["nose_top"]),
            "no specialist 'nose_top' (did you mean 'nose_tip'?)",
        ),
        (dict(only="nose_tip"), "not a list of specialists"),
        (dict(only=[]), "only is empty"),
        (dict(only=[("nose_tip_x",)]), "there is no specialist ('nose_tip_x',)"),
        (dict(epochs_scale=0), "epochs_scale is 0"),
        (dict(epochs_scale=float("nan")), "epochs_scale is nan"),
        (dict(holdout=1.5), "holdout is 1.5, not a share"),
    ],
)
def test_faulty_arguments(arguments, message, folder):
    with pytest.raises(ValueError, match=re.escape(message)):
        fit_specialists(**dict(folder=folder) | arguments)


def trained(net):
    """Give a net weights, as if it had been trained."""
    net.initialize_layers()
    return net


def test_hidden_units_follow_the_net_to_start_from(pretended, folder, tmp_path):
    start = trained(nets.make("net6", **SMALL | dict(hidden4_num_units=5)))
    path = tmp_path / "net.pickle"
    storage.save(start, path)
    plain = [dict(s, kwargs=dict(layers=SMALL["layers"])) for s in SPECIALIST_SETTINGS]
    for pretrain in (start, path, str(path)):
        fit_specialists(pretrain, settings=plain, folder=folder, out=tmp_path / "a")
        assert all(job.net().hidden4_num_units == 5 for job in pretended.jobs)
        values = start.get_all_params_values()
        assert list(pretended.weights) == ["hidden4", "output"]
        for layer, weights in pretended.weights.items():
            for ours, theirs in zip(weights, values[layer], strict=True):
                assert np.array_equal(ours, theirs)
    # The same net, from memory or from a file, is not trained with again.
    assert len(pretended.names) == 6


@pytest.mark.parametrize(
    ("pretrain", "message"),
    [
        (lambda: trained(drawn.small()), "it has the layers hidden, output where"),
        (
            lambda: trained(nets.make("net6", **SMALL | dict(hidden4_num_units=4))),
            "its layer hidden4 has weights of (9216, 4), where (9216, 3) are wanted",
        ),
        (lambda: nets.make("net6"), "has not been trained"),
        (lambda: {("nose_tip_x",): nets.make("net6")}, "is a set of specialists"),
        (DummyRegressor, "is no net to start from, but DummyRegressor"),
    ],
)
def test_what_one_cannot_start_from(pretrain, message, folder, pretended, tmp_path):
    with pytest.raises(SpecialistError, match=re.escape(message)) as error:
        fit_specialists(pretrain(), settings=small(), folder=folder)
    assert "what is given as pretrain" in str(error.value)
    path = tmp_path / "start.pickle"
    storage.save(pretrain(), path)
    with pytest.raises(SpecialistError, match=re.escape(message)) as error:
        fit_specialists(path, settings=small(), folder=folder)
    assert str(path) in str(error.value)
    assert not pretended.names


def test_training_starts_from_the_weights(folder):
    start = trained(nets.make("net6", **SMALL).seed(1))
    still = dict(update_learning_rate=0.0, on_epoch_finished=[], max_epochs=1)
    fitted = fit_specialists(
        start, settings=small(**still), folder=folder, only=["nose_tip"], seed=5
    )
    (net,) = fitted.values()
    ours, theirs = (n.get_all_params_values() for n in (net, start))
    assert np.array_equal(ours["hidden4"][0], theirs["hidden4"][0])
    assert ours["output"][0].shape == (3, 2)


def test_they_are_saved_together_and_each_with_a_log(pretended, folder, tmp_path):
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


def test_what_is_there_is_not_trained_again(pretended, folder, capsys):
    arguments = dict(settings=small(), folder=folder)
    pretended.faults["nose_tip"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        fit_specialists(**arguments)
    assert pretended.names == ["left_eye_center", "nose_tip"]
    out = capsys.readouterr().out
    assert f"Not finished: {', '.join(NAMES[1:])}. Finished, and kept in" in out
    assert not storage.pathlib.Path("net-specialists.pickle").exists()

    pretended.faults.clear()
    fit_specialists(**arguments)
    assert pretended.names == NAMES[1:]
    assert "(done before, see net-specialists.parts/left_eye" in capsys.readouterr().out
    fit_specialists(**arguments)
    assert pretended.names == []

    # A damaged one is.
    path = storage.pathlib.Path("net-specialists.parts/nose_tip.pickle")
    path.write_bytes(path.read_bytes()[:-1])
    fit_specialists(**arguments)
    assert pretended.names == ["nose_tip"]


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
    changes, difference, pretended, folder, capsys
):
    first = dict(settings=small(), folder=folder)
    fit_specialists(**first)
    assert pretended.names == NAMES
    capsys.readouterr()
    fit_specialists(**first | changes)
    assert pretended.names == NAMES
    out = capsys.readouterr().out
    assert len(re.findall(f"anew: was trained with .*{difference}", out)) == 6
    fit_specialists(**first | changes)
    assert pretended.names == []


def test_other_data_or_another_start_are_noticed(pretended, folder, tmp_path, capsys):
    arguments = dict(settings=small(), folder=folder)
    fit_specialists(**arguments)
    other = faces.make(tmp_path / "other", seed=1, n_train=40, n_test=1)
    fit_specialists(**arguments | dict(folder=other))
    assert pretended.names == NAMES * 2
    assert capsys.readouterr().out.count("other data") == 6
    for seed in (1, 2):
        start = trained(nets.make("net6", **SMALL).seed(seed))
        fit_specialists(start, **arguments)
    assert pretended.names == NAMES * 2


def test_a_failure_leaves_the_others(pretended, folder):
    arguments = dict(settings=small(), folder=folder)
    pretended.faults["nose_tip"] = MemoryError("no room")
    with pytest.raises(SpecialistError, match=r"nose_tip \(MemoryError: no room\)"):
        fit_specialists(**arguments)
    assert pretended.names == NAMES
    log = storage.pathlib.Path("net-specialists.parts/nose_tip.log").read_text()
    assert "Traceback" in log
    pretended.faults.clear()
    assert list(fit_specialists(**arguments)) == list(COLUMNS.values())
    assert pretended.names == ["nose_tip"]


def test_one_alone(pretended, folder):
    arguments = dict(settings=small(), folder=folder)
    assert list(fit_specialists(only=["nose_tip"], **arguments)) == [
        COLUMNS["nose_tip"]
    ]
    fitted = fit_specialists(only=[COLUMNS["left_eye_center"]], **arguments)
    assert list(fitted) == [COLUMNS["left_eye_center"], COLUMNS["nose_tip"]]
    assert list(storage.load("net-specialists.pickle")) == list(fitted)
    assert pretended.names == ["nose_tip", "left_eye_center"]
    fit_specialists(**arguments)
    assert pretended.names == NAMES[2:]
    # With another seed, as is wished for one; the others stay.
    fitted = fit_specialists(only=["nose_tip"], seed=3, **arguments)
    assert (pretended.names, len(fitted)) == (["nose_tip"], 6)


def test_one_alone_keeps_those_that_are_in_the_file_only(pretended, folder, tmp_path):
    arguments = dict(settings=small(), folder=folder, only=["nose_tip"])
    old = {columns: nets.make("net6") for columns in COLUMNS.values()}
    storage.save(old, "net-specialists.pickle")
    fitted = fit_specialists(**arguments)
    assert list(fitted) == list(old)
    assert [bool(net.train_history_) for net in fitted.values()] == [0, 1, 0, 0, 0, 0]
    storage.save(nets.make("net6"), "single.pickle")
    with pytest.raises(SpecialistError, match="holds a single net"):
        fit_specialists(**arguments, out="single.pickle")


def test_nets_that_have_seen_other_rows_are_not_put_together(pretended, folder):
    arguments = dict(settings=small(), folder=folder)
    fit_specialists(holdout=0.1, **arguments)
    assert pretended.names == NAMES
    with pytest.raises(SpecialistError, match=r"another holdout \(0.1, now 0.2\)"):
        fit_specialists(holdout=0.2, only=["nose_tip"], **arguments)
    assert pretended.names == []
    storage.save({COLUMNS["left_eye_center"]: nets.make("net6")}, "old.pickle")
    with pytest.raises(SpecialistError, match="is not known"):
        fit_specialists(holdout=0.2, only=["nose_tip"], out="old.pickle", **arguments)


def test_rows_held_out_are_not_trained_on(pretended, folder):
    fit_specialists(settings=small(), folder=folder, holdout=0.25)
    table = data.read("training", folder)
    X, _ = data.load_held_out(0.25, folder=folder)
    held = {image.tobytes() for image in X}
    assert len(held) == 10
    for job in pretended.jobs:
        ours = data.scale_images(table.images[job.rows])
        assert not held & {image.tobytes() for image in ours}


EPOCHS = [1, 2, 3, 1, 2, 3]


@pytest.fixture(scope="module")
def settings():
    """Specialists of a few epochs each."""
    return [
        dict(s, kwargs=SMALL | dict(max_epochs=epochs))
        for s, epochs in zip(SPECIALIST_SETTINGS, EPOCHS, strict=True)
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
        for name in NAMES
    ]


def test_they_train_and_come_as_they_were_saved(one_after_the_other):
    for epochs, net in zip(EPOCHS, one_after_the_other.values(), strict=True):
        assert len(net.train_history_) == epochs
        assert net.verbose == 1
        assert len(net.on_epoch_finished) == 3
        # After the last epoch, the schedules have come to their ends.
        if epochs > 1:
            assert net.update_momentum.get_value() == np.float32(0.999)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_they_are_the_same_in_parallel(
    backend, one_after_the_other, settings, folder, tmp_path
):
    out = tmp_path / "all.pickle"
    with joblib.parallel_config(backend):
        ours = fit_specialists(settings=settings, folder=folder, n_jobs=2, out=out)
    assert_same(ours, one_after_the_other)
    assert logged(tmp_path / "all.parts") == EPOCHS


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
