import copy
import pickle
import subprocess
import sys

import jax
import numpy as np
import pytest
import theano
import theano.tensor as T

from kfkd.xla import shared_variables
from kfkd.xla.shared_variables import Cell, restore, snapshot
from tests.helpers.theano_oracle import PYTHON


def doubled(s, mode="xla"):
    return theano.function([], s * 2, mode=mode)


def doubling(s, mode="xla"):
    return theano.function([], [], updates=[(s, s * 2)], mode=mode)


def test_values_stay_on_the_device_between_calls(monkeypatch):
    s = theano.shared(np.ones(3))
    f = doubling(s)
    f()
    with monkeypatch.context() as patch:
        patch.setattr("kfkd.xla.programs.to_device", None)
        patch.setattr("kfkd.xla.shared_variables.to_device", None)
        patch.setattr("kfkd.xla.shared_variables.to_host", None)
        f()
        f()
    assert isinstance(s.container.storage, Cell)
    assert s.get_value().tolist() == [8, 8, 8]


@pytest.mark.parametrize("borrow", [False, True])
def test_what_was_read_may_be_written_to_and_is_not_overwritten(borrow):
    s = theano.shared(np.ones(3))
    f = doubling(s)
    f()
    value = s.get_value(borrow=borrow)
    f()
    assert value.tolist() == [2, 2, 2]
    value[:] = 99
    f()
    assert s.get_value().tolist() == [8, 8, 8]


@pytest.mark.parametrize("borrow", [False, True])
def test_what_was_set_may_be_written_to_once_it_is_in_use(borrow):
    value = np.ones((64, 64))  # aligned and large, so that sharing its memory is likely
    s = theano.shared(np.zeros((64, 64)))
    f = doubled(s)
    s.set_value(value, borrow=borrow)
    assert f()[0, 0] == 2
    value[:] = 99
    assert f()[0, 0] == 2
    doubling(s)()
    assert value[0, 0] == 99
    assert s.get_value()[0, 0] == 2


@pytest.mark.parametrize("large", [1, 2**26])
def test_a_copy_is_one_wherever_the_array_lies(monkeypatch, large):
    monkeypatch.setattr(shared_variables, "_LARGE", large)
    n = 100_000
    memory = np.zeros(n + 128, np.uint8)
    start = -memory.ctypes.data % 64
    for offset in range(0, 64, 8):  # JAX takes over what is aligned
        value = memory[start + offset :][:n].view(np.float64)
        value[:] = 1
        copy = shared_variables.to_device(value)
        value[:] = 2
        assert np.all(np.asarray(copy) == 1)


def test_results_may_be_written_to():
    s = theano.shared(np.ones(3))
    same, more = theano.function([], [s, s + 1], mode="xla")()
    same[:] = more[:] = 5
    assert s.get_value().tolist() == [1, 1, 1]


def test_one_variable_in_several_modes():
    s = theano.shared(np.array([1.0, 2.0]))
    functions = [doubling(s, mode) for mode in ("xla", "FAST_RUN", PYTHON, "xla")]
    for f in functions:
        f()
    assert doubled(s, "FAST_RUN")().tolist() == [32, 64]
    assert doubled(s)().tolist() == [32, 64]


def test_updates_in_place_by_the_other_mode():
    s = theano.shared(np.arange(4.0))
    new = T.inc_subtensor(s[1:3], 10)
    inplace = theano.function([], [], updates=[(s, new)], mode="FAST_RUN")
    xla = theano.function([], [], updates=[(s, new)], mode="xla")
    for f in (inplace, xla, inplace, inplace, xla):
        f()
    assert s.get_value().tolist() == [0, 51, 52, 3]


@pytest.mark.parametrize(
    "value", [1, 2.5, np.float32(3), np.ones((2, 1)), np.int8([1])]
)
def test_shared_variables_are_of_the_types_that_theano_gives(value):
    from theano.tensor.sharedvar import scalar_constructor, tensor_constructor

    s = theano.shared(value)
    plain = (
        tensor_constructor if isinstance(value, np.ndarray) else scalar_constructor
    )(value)
    assert s.type == plain.type
    assert type(s) is type(plain)
    assert doubled(s)().dtype == (plain * 2).dtype


def test_values_are_converted_as_theano_does():
    s = theano.shared(np.zeros(2, "float32"))
    with pytest.raises(TypeError):
        s.set_value(np.zeros(2))
    with pytest.raises(TypeError):
        s.set_value(np.zeros((2, 2), "float32"))
    lenient = theano.shared(np.zeros(2, "float32"), allow_downcast=True)
    lenient.set_value(np.ones(2))
    assert doubled(lenient)().dtype == "float32"


def test_copies_and_pickles_hold_the_value_and_go_their_own_way():
    s = theano.shared(np.ones(2), name="s")
    f = doubling(s)
    f()
    copies = [
        copy.deepcopy(s),
        pickle.loads(pickle.dumps(s)),
        copy.deepcopy({"a": [s]})["a"][0],
    ]
    f()
    for c in copies:
        assert c.name == "s"
        assert c.get_value().tolist() == [2, 2]
        doubling(c)()
        assert c.get_value().tolist() == [4, 4]
        assert isinstance(c.container.storage, Cell)
    assert s.get_value().tolist() == [4, 4]


def test_a_clone_shares_its_value():
    s = theano.shared(np.ones(2))
    c = s.clone()
    doubling(s)()
    assert c.get_value().tolist() == [2, 2]
    doubling(c)()
    assert s.get_value().tolist() == [4, 4]


@pytest.mark.process
@pytest.mark.slow
def test_a_compiled_function_is_pickled_with_its_values(tmp_path):
    x, s = T.dvector("x"), theano.shared(np.array([1.0, 2.0]))
    f = theano.function([x], x * s, updates=[(s, s + 1)], mode="xla")
    f([1, 1])
    (tmp_path / "f.pickle").write_bytes(pickle.dumps(f))
    here = pickle.loads((tmp_path / "f.pickle").read_bytes())
    assert here([1, 1]).tolist() == [2, 3]
    assert f([1, 1]).tolist() == [2, 3]
    code = (
        "import kfkd, pickle, sys; f = pickle.load(open(sys.argv[1], 'rb'));"
        "print(f([1, 1]).tolist(), f([1, 1]).tolist())"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "f.pickle")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[2.0, 3.0] [3.0, 4.0]", done.stderr


@pytest.mark.process
def test_weights_that_are_made_before_anything_is_compiled_stay_on_the_device():
    code = """if True:
        import sys
        import kfkd, lasagne, theano
        dense = lasagne.layers.DenseLayer(lasagne.layers.InputLayer((2, 3)), 4)
        count = theano.shared(0)
        assert "jax" not in sys.modules
        updates = [(dense.W, dense.W + 1), (count, count + 1)]
        f = theano.function([], dense.W.sum(), updates=updates, mode="xla")
        slow = theano.function([], dense.W.sum(), mode="FAST_RUN")
        f()
        from kfkd.xla import shared_variables
        shared_variables.to_device = shared_variables.to_host = None
        f()
        print(int(count.get_value()), abs(float(slow() - f())) < 1e-5)
    """
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "2 True", done.stderr


def test_jax_for_the_user_stays_as_it_is():
    s = theano.shared(np.ones(2))
    assert doubled(s)().dtype == "float64"
    assert jax.numpy.ones(2).dtype == "float32"
    assert not jax.config.jax_enable_x64


def test_zero_has_a_cell_too():
    s = theano.shared(np.ones(2))
    doubling(s)()
    s.zero()
    assert s.get_value().tolist() == [0, 0]
    assert doubled(s)().tolist() == [0, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_a_snapshot_stays_and_comes_back_as_often_as_wanted(monkeypatch, dtype):
    s, t = theano.shared(np.ones(3, dtype)), theano.shared(np.asarray(5, dtype))
    f = doubling(s)
    f()
    shared_variables.on_device(t.container.storage)
    with monkeypatch.context() as patch:  # nothing goes to the host and back
        patch.setattr("kfkd.xla.shared_variables.to_device", None)
        patch.setattr("kfkd.xla.shared_variables.to_host", None)
        taken = snapshot([s, t])
        for _ in range(2):
            f()
            f()
            restore([s, t], taken)
    assert s.get_value().tolist() == [2, 2, 2]
    assert s.get_value().dtype == t.get_value().dtype == dtype
    assert t.get_value() == 5
    f()
    assert np.array(taken[0]).tolist() == [2, 2, 2]


def test_a_snapshot_of_what_is_not_on_a_device():
    s = theano.shared(np.ones(2))
    s.container.storage = [np.ones(2)]  # as Theano has it
    taken = snapshot([s])
    s.get_value(borrow=True)[:] = 7
    restore([s], taken)
    assert s.get_value().tolist() == [1, 1]
    s.get_value(borrow=True)[:] = 7
    assert taken[0].tolist() == [1, 1]
