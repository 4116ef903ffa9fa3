"""docs/tutorial-today.md: the pasted code runs, and does what the page says of it."""

import pickle

import nolearn.lasagne
import numpy as np
import pytest
import theano
from sklearn.base import clone

from kfkd import augment, callbacks, data, specialists
from tests.helpers import code_blocks, small_faces
from tests.helpers.code_blocks import ROOT

PAGE = ROOT / "docs" / "tutorial-today.md"
BLOCKS = [block for block in code_blocks.read(PAGE) if block.language == "python"]


@pytest.fixture
def pasted(work, monkeypatch):
    """Run blocks of the page, in its order; return the module that has them."""
    module = code_blocks.new_module(PAGE, monkeypatch)

    def pasted(*starts, blocks=BLOCKS):
        for block in blocks:
            if not starts or any(start in block.code for start in starts):
                code_blocks.run(block, module)
        return module

    with code_blocks.scaled_down():
        yield pasted


def first_with(text):
    return next(i for i, block in enumerate(BLOCKS) if text in block.code)


def test_it_begins_to_run(pasted, capsys):
    """From the data to the predictions of net1, which is the quick part."""
    module = pasted(blocks=BLOCKS[: first_with("net2 = ")])
    assert len(module.net1.train_history_) == 1
    assert module.y_pred.shape == (16, 30)
    X, y = data.load()
    for ours, theirs in zip((X, y), module.load(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert "X.shape == (6, 9216)" in capsys.readouterr().out


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(pasted, work):
    call = first_with("fit_specialists('net7.pickle')")
    module = pasted(blocks=BLOCKS[:call])
    # Each takes as long as all the nets before: two of the six will do.
    del module.SPECIALIST_SETTINGS[2:]
    pasted(blocks=BLOCKS[call:-1])
    nets = [getattr(module, f"net{i}") for i in (1, 2, 3, 4, 6, 7)]
    assert all(len(net.train_history_) == 1 for net in nets)
    path = work / "net-specialists.pickle"
    trained = pickle.loads(path.read_bytes())
    assert [*trained] == [s["columns"] for s in specialists.SPECIALIST_SETTINGS[:2]]
    for columns, net in trained.items():
        assert net.output_num_units == len(columns)
        assert len(net.train_history_) == 1
    pasted(blocks=BLOCKS[-1:])  # the same names, from the package
    assert module.net6.__class__.__module__ == "kfkd.estimator"
    for pickled in work.glob("*.pickle"):  # half a gigabyte
        pickled.unlink()


def test_what_is_written_by_hand_agrees_with_the_package(pasted):
    module = pasted("class FlipBatchIterator", "SPECIALIST_SETTINGS = [")
    assert module.FlipBatchIterator.flip_indices == augment.flip_pairs()
    ours = specialists.SPECIALIST_SETTINGS
    for mine, theirs in zip(ours, module.SPECIALIST_SETTINGS, strict=True):
        assert mine["columns"] == theirs["columns"]
        assert tuple(mine["flip_indices"]) == theirs["flip_indices"]


# What the page's table says.


def small(*handlers, **changes):
    X, y = map(np.copy, small_faces.rows(20))
    net = small_faces.small(
        nolearn.lasagne.NeuralNet,
        update_learning_rate=theano.shared(np.float32(0.03)),
        on_epoch_finished=[*handlers],
        **changes,
    )
    return net, X, y


def test_columns_of_the_test_set(pasted):
    module = pasted("def load(")
    with pytest.raises(KeyError, match="nose_tip_x"):
        module.load(test=True, cols=["nose_tip_x"])
    assert len(data.load(test=True, cols=["nose_tip_x"])[0]) == 16


def test_flips_leave_the_training_data_as_they_are(pasted):
    module = pasted("import os", "class FlipBatchIterator")
    for cls in (module.FlipBatchIterator, augment.FlipBatchIterator):
        X, y = map(np.copy, small_faces.images(20))
        Xb, yb = map(np.concatenate, zip(*cls(10)(X, y), strict=True))
        for now, before in zip((X, y), small_faces.images(20), strict=True):
            assert np.array_equal(now, before)
        flipped = (Xb == X[..., ::-1]).all(axis=(1, 2, 3))
        assert flipped.sum() == 10
        assert np.array_equal(Xb[~flipped], X[~flipped])
        assert np.array_equal(yb[~flipped], y[~flipped])
        assert not np.array_equal(yb, y)


def test_a_schedule_is_kept(pasted):
    module = pasted("import os", "def float32", "class AdjustVariable")
    theirs = module.AdjustVariable("update_learning_rate", start=0.03, stop=0.001)
    net, X, y = small(theirs)
    net.fit(X, y)
    with pytest.raises(IndexError):
        net.on_epoch_finished[0](net, [{"epoch": net.max_epochs + 1}])
    longer = clone(net).set_params(max_epochs=99)
    longer.on_epoch_finished[0](longer, [{"epoch": net.max_epochs + 1}])

    ours = callbacks.AdjustVariable("update_learning_rate", start=0.03, stop=0.001)
    ours(net, [{"epoch": net.max_epochs + 1}])
    assert net.update_learning_rate.get_value() == np.float32(0.001)


def test_early_stopping_has_a_memory(pasted):
    module = pasted("import os", "class EarlyStopping")
    net, X, y = small()
    net.fit(X, y)
    best = small_faces.params(net)

    def then(stopping):
        """Go on to a worse epoch and to the end of training; return the weights."""
        for epoch, loss in [(1, 0.1), (2, 0.2)]:
            stopping(net, [{"epoch": epoch, "valid_loss": loss}])
            for param in net.get_all_params():
                param.set_value(param.get_value() + 1)
        if hasattr(stopping, "on_training_finished"):
            stopping.on_training_finished(net, net.train_history_)
        return small_faces.params(net)

    theirs, ours = module.EarlyStopping(), callbacks.EarlyStopping()
    worse = then(theirs)
    assert (worse != best).all()
    np.testing.assert_array_equal(then(ours), worse)  # its best, as it began there
    assert clone(theirs, safe=False).best_valid == 0.1
    ours.on_training_started(net, [])
    assert ours.best_valid == np.inf


def test_weights_that_do_not_fit_are_passed_over(pasted, capsys):
    source, X, y = small()
    source.fit(X, y)
    net, *_ = small(hidden_num_units=8, verbose=1)
    net.initialize()
    before = net.layers_["hidden"].W.get_value()
    net.load_params_from(source)
    np.testing.assert_array_equal(net.layers_["hidden"].W.get_value(), before)
    assert "Could not load parameters to layer 'hidden'" in capsys.readouterr().out
    with pytest.raises(ValueError, match="layer 'hidden'"):
        small_faces.small(hidden_num_units=8).load_params_from(source)


def test_a_pickle_needs_the_pasted_classes(pasted):
    module = pasted("import os", "class EarlyStopping")
    net, X, y = small(module.EarlyStopping())
    net.fit(X, y)
    pickled = pickle.dumps(net, -1)
    assert pickle.loads(pickled).on_epoch_finished[0].best_weights is not None
    del module.EarlyStopping
    with pytest.raises(AttributeError, match="EarlyStopping"):
        pickle.loads(pickled)
