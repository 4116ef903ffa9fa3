"""A net knows what it was trained on, also when it comes out of a file."""

import datetime

import numpy as np
import pytest
from sklearn.base import clone

import kfkd
from kfkd import data, faces, nets, storage
from kfkd.training import provenance
from tests.helpers import kaggle_tables


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    faces.make(folder / "drawn", n_train=30, n_test=3)
    kaggle_tables.make(folder / "other", rows=30)
    return folder


def small_net(outputs=2):
    net = nets.make("net1", hidden_num_units=2, verbose=0, output_num_units=outputs)
    return net.seed(0)


def load(folders, kind, **options):
    columns = ["nose_tip_x", "nose_tip_y"]
    return data.load(cols=columns, folder=folders / kind, **options)


def test_the_data_and_the_day(folders):
    net = small_net()
    assert list(net.trained_on_) == []
    X, y = load(folders, "drawn", missing="keep")
    net.fit(X, y, epochs=2)
    day = net.trained_on_[0]["date"]
    age = datetime.date.today() - datetime.date.fromisoformat(day)
    assert age <= datetime.timedelta(days=1)
    assert net.trained_on_ == [
        {
            "kind": "drawn",
            "faces": len(X),
            "file": "training.csv",
            "fingerprint": data.fingerprint(folders / "drawn" / "training.csv"),
            "columns": ["nose_tip_x", "nose_tip_y"],
            "date": day,
            "kfkd": kfkd.__version__,
            "after_epoch": 0,
        }
    ]
    assert provenance.is_of_drawn_faces(net)
    assert provenance.describe(net) == (
        f"drawn faces (kfkd.faces): {len(X)} faces, {day}, kfkd {kfkd.__version__}"
    )
    assert list(clone(net).trained_on_) == []


@pytest.mark.parametrize("ending", [".pickle", ".npz"])
def test_a_file_tells_it_too(folders, tmp_path, ending):
    net = small_net().fit(*load(folders, "drawn"), epochs=1)
    storage.save(net, tmp_path / f"net{ending}")
    assert storage.load(tmp_path / f"net{ending}").trained_on_ == net.trained_on_


def test_other_data_later_are_told_apart(folders):
    net = small_net()
    X, y = load(folders, "drawn")
    net.fit(X, y, epochs=2).fit(X, y, epochs=1)
    net.fit(*load(folders, "other"), epochs=1)
    net.fit(X + 0, y, epochs=1).partial_fit(X[::2] + 0, y[::2])
    told = [(entry["kind"], entry["after_epoch"]) for entry in net.trained_on_]
    assert told == [("drawn", 0), ("other", 3), ("unknown", 4)]
    assert net.trained_on_[-1]["faces"] == len(X)  # of which the batch was a part
    assert not provenance.is_of_drawn_faces(net)
    assert provenance.data_of(net) == (
        "drawn faces (kfkd.faces), then other data in Kaggle's layout, then data of a "
        "program's own"
    )


def test_sets_of_nets(folders):
    drawn = small_net().fit(*load(folders, "drawn"), epochs=1)
    other = small_net().fit(*load(folders, "other"), epochs=1)
    assert provenance.is_of_drawn_faces({"a": drawn, "b": drawn})
    assert not provenance.is_of_drawn_faces({"a": drawn, "b": other})
    assert not provenance.is_of_drawn_faces({"a": drawn, "b": small_net()})
    assert provenance.data_of({"a": drawn, "b": drawn}) == "drawn faces (kfkd.faces)"


def test_nets_that_do_not_know(tmp_path):
    class Foreign:
        def predict(self, X):
            return np.zeros((len(X), 30))

    for nets_ in (Foreign(), {"a": Foreign()}, small_net()):
        assert provenance.describe(nets_) == provenance.data_of(nets_) == ""
        assert not provenance.is_of_drawn_faces(nets_)


def test_a_failed_fit_leaves_it_as_it_was(folders):
    net = small_net()
    X, y = load(folders, "drawn")
    with pytest.raises(ValueError, match="outputs"):
        net.fit(X, np.tile(y, 2))
    assert list(net.trained_on_) == []


def test_weights_that_are_taken_over_bring_it_along(folders, tmp_path):
    first = small_net().fit(*load(folders, "other"), epochs=1)
    storage.save(first, tmp_path / "net.npz")
    first.save_params_to(tmp_path / "params.pickle")
    for source in (first, tmp_path / "net.npz"):
        net = small_net()
        net.load_params_from(source)
        assert net.trained_on_ == first.trained_on_
        assert net.trained_on_ is not first.trained_on_
        net.fit(*load(folders, "drawn"), epochs=1)
        assert [entry["kind"] for entry in net.trained_on_] == ["other", "drawn"]
        assert not provenance.is_of_drawn_faces(net)
    for source in (tmp_path / "params.pickle", first.get_all_params_values()):
        net.load_params_from(source)  # as the tutorial's early stopping does
        assert len(net.trained_on_) == 2
        other = small_net()
        other.load_params_from(source)
        other.fit(*load(folders, "drawn"), epochs=1)
        assert [entry["kind"] for entry in other.trained_on_] == ["unknown", "drawn"]
        assert not provenance.is_of_drawn_faces(other)


def test_trained_nets_that_take_over_weights_keep_what_they_know(folders):
    drawn = small_net().fit(*load(folders, "drawn"), epochs=2)
    other = small_net().fit(*load(folders, "other"), epochs=1)
    other.fit(X := np.zeros((5, 9216), np.float32), X[:, :2], epochs=1)
    drawn.load_params_from(other)
    told = [(entry["kind"], entry["after_epoch"]) for entry in drawn.trained_on_]
    assert told == [("drawn", 0), ("other", 0), ("unknown", 0)]
    # The last training is told, of those of one day, too.
    assert provenance.describe(drawn).partition(": ")[2].startswith("5 faces, ")
    assert "then data of a program's own: 5 faces" in provenance.describe(drawn)


def test_weights_that_nobody_has_trained_say_nothing():
    net, other = small_net(), small_net()
    other.initialize()
    net.load_params_from(other)
    assert list(net.trained_on_) == []
    net.load_params_from(other.get_all_params_values())
    assert provenance.describe(net) == "data of a program's own"
    assert not provenance.is_of_drawn_faces(net)


def test_specialists_know_it_in_every_process(folders, tmp_path):
    from kfkd.specialists import fit_specialists

    X, y = data.load2d(folder=folders / "other", missing="drop")
    pretrain = nets.make("net8", verbose=0, max_epochs=1).fit(X[:5], y[:5])
    found = fit_specialists(
        pretrain,
        folder=folders / "drawn",
        out=tmp_path / "crew.pickle",
        only=["nose_tip"],
        epochs_scale=1e-5,
        n_jobs=2,
    )
    ((columns, net),) = found.items()
    before, entry = net.trained_on_
    assert before == pretrain.trained_on_[0]
    assert entry["kind"] == "drawn"
    assert entry["columns"] == list(columns)
