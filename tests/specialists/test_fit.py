"""What specialists are trained on, as what nets, and from which weights."""

import copy
import re

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor

from kfkd import data, nets, storage
from kfkd.errors import ArgumentError, KfkdError
from kfkd.specialists import SPECIALIST_SETTINGS, SpecialistError, fit_specialists
from tests.helpers import small_faces
from tests.helpers.fake_workers import (
    COLUMNS,
    NAMES,
    SMALL,
    small,
    trained,
)

pytestmark = pytest.mark.usefixtures("work")


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
def test_epochs_follow_the_number_of_rows(training, folder, pretrained, scale):
    start = trained(nets.make("net6", **SMALL)) if pretrained else None
    fit_specialists(start, settings=small(), folder=folder, epochs_scale=scale)
    for job in training.jobs:
        _, y = data.load(cols=job.columns, folder=folder)
        assert len(job.rows) == len(y)
        epochs = max(1, int((4e6 if pretrained else 1e7) / len(y) * scale))
        assert job.changes["max_epochs"] == job.net().max_epochs == epochs
    assert len({len(job.rows) for job in training.jobs}) > 1


def test_each_net_is_net8_with_parts_of_its_own(training, folder):
    fit_specialists(folder=folder, batch_size=16, seed=7)
    reference = nets.make("net8")
    made = [job.net() for job in training.jobs]
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


def test_kwargs_change_one_net_alone(training, folder):
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
        (
            dict(columns=COLUMNS["nose_tip"], kwargs=dict(dropout1_p=2)),
            "the specialist for nose_tip: dropout1_p is 2; it must be from 0 to less",
        ),
        (dict(columns=5), "cols is 5, not a list of column names"),
        (
            dict(columns=COLUMNS["nose_tip"], flip_indices=5),
            "flip_indices of nose_tip is 5; it must be pairs of positions among its 2 "
            "columns",
        ),
        (
            dict(columns=COLUMNS["nose_tip"], flip_indices=[(0, 2)]),
            "flip_indices of nose_tip is [(0, 2)]; it must be pairs of positions",
        ),
        (
            dict(columns=COLUMNS["nose_tip"], kwargs=5),
            "kwargs of nose_tip is 5; it must be a dict",
        ),
    ],
)
def test_faulty_settings(setting, message, folder):
    with pytest.raises(KfkdError, match=re.escape(message)):
        fit_specialists(settings=[SPECIALIST_SETTINGS[0], setting], folder=folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(settings=[]), "the settings are empty"),
        (
            dict(only=["nose_top"]),
            "no specialist 'nose_top' (did you mean 'nose_tip'?)",
        ),
        (dict(only="nose_tip"), "only is 'nose_tip'; it must be a list of specialists"),
        (dict(only=[]), "only is empty"),
        (dict(only=[("nose_tip_x",)]), "there is no specialist ('nose_tip_x',)"),
        (dict(only=5), "only is 5; it must be a list of specialists"),
        (dict(only=[5]), "there is no specialist 5"),
        (dict(settings=5), "settings is 5; it must be a list of dicts"),
        (dict(epochs_scale=0), "epochs_scale is 0; it must be a finite number, more"),
        (dict(epochs_scale=float("nan")), "epochs_scale is nan"),
        (dict(epochs_scale="a"), "epochs_scale is 'a'; it must be a finite number"),
        (dict(holdout=1.5), "holdout is 1.5; it must be a share"),
        (dict(batch_size=0), "batch_size is 0; it must be a whole number of at least"),
        (dict(log_every=0), "log_every is 0; it must be a whole number of at least 1"),
        (dict(max_rows=0), "max_rows is 0; it must be a whole number of at least 1"),
        (dict(seed=-1), "seed is -1; it must be a whole number of at least 0"),
        (dict(n_jobs=0), "n_jobs is 0; it must be a whole number other than 0"),
        (
            dict(checkpoint_every={"hours": 1}),
            "a key of checkpoint_every is 'hours'; it must be one of epochs, minutes",
        ),
        (dict(checkpoint_every={"minutes": "a"}), "minutes is 'a'; it must be a"),
        (dict(checkpoint_every=5), "checkpoint_every is 5; it must be a dict with"),
        (dict(out=5), "path is 5; it must be a path"),
    ],
)
def test_faulty_arguments(arguments, message, folder, training):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        fit_specialists(**dict(folder=folder) | arguments)
    assert not training.names


def test_hidden_units_follow_the_net_to_start_from(training, folder, tmp_path):
    start = trained(nets.make("net6", **SMALL | dict(hidden4_num_units=5)))
    path = tmp_path / "net.pickle"
    storage.save(start, path)
    plain = [dict(s, kwargs=dict(layers=SMALL["layers"])) for s in SPECIALIST_SETTINGS]
    for pretrain in (start, path, str(path)):
        fit_specialists(pretrain, settings=plain, folder=folder, out=tmp_path / "a")
        assert all(job.net().hidden4_num_units == 5 for job in training.jobs)
        values = start.get_all_params_values()
        assert list(training.pretrained.weights) == ["hidden4", "output"]
        for layer, weights in training.pretrained.weights.items():
            for ours, theirs in zip(weights, values[layer], strict=True):
                assert np.array_equal(ours, theirs)
    # The same net, from memory or from a file, is not trained with again.
    assert len(training.names) == 6


@pytest.mark.parametrize(
    ("pretrain", "message"),
    [
        (
            lambda: trained(small_faces.small()),
            "it has the layers hidden, output where",
        ),
        (
            lambda: trained(nets.make("net6", **SMALL | dict(hidden4_num_units=4))),
            "its layer hidden4 has weights of (9216, 4), where (9216, 3) are wanted",
        ),
        (lambda: nets.make("net6"), "has not been trained"),
        (lambda: {("nose_tip_x",): nets.make("net6")}, "is a set of specialists"),
        (DummyRegressor, "is not a net to start from, but DummyRegressor"),
    ],
)
def test_what_one_cannot_start_from(pretrain, message, folder, training, tmp_path):
    with pytest.raises(SpecialistError, match=re.escape(message)) as error:
        fit_specialists(pretrain(), settings=small(), folder=folder)
    assert "what is given as pretrain" in str(error.value)
    path = tmp_path / "start.pickle"
    storage.save(pretrain(), path)
    with pytest.raises(SpecialistError, match=re.escape(message)) as error:
        fit_specialists(path, settings=small(), folder=folder)
    assert str(path) in str(error.value)
    assert not training.names


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


def test_rows_held_out_are_not_trained_on(training, folder):
    fit_specialists(settings=small(), folder=folder, holdout=0.25)
    table = data.read("training", folder)
    X, _ = data.load_held_out(0.25, folder=folder)
    held = {image.tobytes() for image in X}
    assert len(held) == 10
    for job in training.jobs:
        ours = data.scale_images(table.images[job.rows])
        assert not held & {image.tobytes() for image in ours}
