"""Weights that a NeuralNet takes from another."""

import pickle
import re

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from kfkd import storage
from kfkd.errors import ArgumentError, StorageError
from kfkd.nets import make
from tests.helpers import small_faces, small_nets
from tests.helpers.small_faces import params


@pytest.mark.parametrize(
    "source", ["net", "dict", "str", "path", "pickled net", "saved.pickle", "saved.npz"]
)
def test_parameters_come_from(source, tmp_path, capsys):
    trained = small_faces.small(verbose=0).fit(*small_faces.rows())
    path = tmp_path / (source if source.startswith("saved") else "file.pickle")
    if source == "pickled net":
        path.write_bytes(pickle.dumps(trained))
    elif source.startswith("saved"):
        storage.save(trained, path)
    else:
        trained.save_params_to(path)
    values = trained.get_all_params_values()
    net = small_faces.small(verbose=1)
    net.load_params_from(
        {"net": trained, "dict": values, "str": str(path)}.get(source, path)
    )
    assert np.array_equal(params(net), params(trained))
    assert net.train_history_ == []
    assert capsys.readouterr().out == ""


def test_another_output_layer_keeps_its_own_parameters():
    trained = small_faces.small().fit(*small_faces.rows())
    net = small_faces.small(output_num_units=4)
    net.load_params_from(trained)
    theirs, ours = trained.get_all_params_values(), net.get_all_params_values()
    assert np.array_equal(ours["hidden"][0], theirs["hidden"][0])
    assert ours["output"][0].shape == (4, 4)


def test_weights_are_saved_whole_or_not_at_all(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"before")
    with pytest.raises(NotFittedError, match="no weights yet, so there is none"):
        small_faces.small().save_params_to(path)
    assert path.read_bytes() == b"before"
    net = small_faces.small().fit(*small_faces.rows())
    with pytest.raises(StorageError, match="there is no folder"):
        net.save_params_to(tmp_path / "none" / "weights")
    net.save_params_to(path)
    saved = pickle.loads(path.read_bytes())
    assert np.array_equal(saved["hidden"][0], net.get_all_params_values()["hidden"][0])


def test_another_hidden_layer_is_an_error():
    trained = small_faces.small().fit(*small_faces.rows())
    net = small_faces.small(hidden_num_units=5)
    net.initialize()
    before = params(net)
    with pytest.raises(
        ValueError, match=re.escape("'hidden' have the shapes [(9216, 4)")
    ):
        net.load_params_from(trained)
    assert np.array_equal(params(net), before)


def test_a_net_without_a_fitting_layer_is_an_error():
    net = make("net2")
    with pytest.raises(
        ValueError, match=r"None of the source's layers \(input, hidden"
    ):
        net.load_params_from(small_faces.small().fit(*small_faces.rows(), epochs=1))


def test_a_file_without_the_weights_of_a_net_is_an_error(tmp_path):
    trained = small_faces.small().fit(*small_faces.rows(), epochs=1)
    a_set, a_number = tmp_path / "set.npz", tmp_path / "number.pickle"
    storage.save({("nose_tip_x",): trained, ("nose_tip_y",): trained}, a_set)
    a_number.write_bytes(pickle.dumps(3))
    for path, problem in (
        (a_set, "does not hold a valid net: it is a set of 2 nets, not one net"),
        (a_number, "holds 3 (int), not a net or its parameters"),
        (tmp_path / "none.npz", "No such file"),
    ):
        with pytest.raises(
            StorageError, match=f"{re.escape(str(path))}.* ?{re.escape(problem)}"
        ):
            small_faces.small().load_params_from(path)


def test_a_net_without_weights_is_an_error():
    with pytest.raises(NotFittedError, match="The net to load from"):
        small_faces.small().load_params_from(small_faces.small())


def test_numbers_of_any_type_and_lists_are_taken():
    X, y = small_nets.rows()
    trained, net = small_nets.regressor().fit(X, y), small_nets.regressor()
    source = {
        name: [np.asarray(v, "float64").tolist() for v in values]
        for name, values in trained.get_all_params_values().items()
    }
    net.load_params_from(source)
    np.testing.assert_array_equal(net.predict(X), trained.predict(X))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda v: v * np.nan,
            "parameter 0 of layer 'output' has values that are not",
        ),
        (
            lambda v: v.astype(str),
            "parameter 0 of layer 'output' holds values of",
        ),
        (lambda v: v + 1e300, "parameter 0 of layer 'output' has the value 1e.300"),
    ],
)
def test_weights_that_are_no_finite_numbers_change_nothing(change, problem):
    X, y = small_nets.rows()
    net = small_nets.regressor().fit(X, y)
    before = net.predict(X)
    source = {name: [*v] for name, v in net.get_all_params_values().items()}
    source["hidden"][0] += 1
    source["output"][0] = change(source["output"][0].astype("float64"))
    with pytest.raises(ArgumentError, match=problem):
        net.load_params_from(source)
    np.testing.assert_array_equal(net.predict(X), before)


@pytest.mark.parametrize("source", [None, 3, [[1.0]]])
def test_what_holds_no_parameters_is_an_error(source):
    with pytest.raises(ArgumentError, match=r"^source is .*; it must be a net, a dict"):
        small_nets.regressor().load_params_from(source)


def test_a_net_without_weights_has_no_values():
    with pytest.raises(NotFittedError, match="has no weights yet; call fit first"):
        small_nets.regressor().get_all_params_values()
