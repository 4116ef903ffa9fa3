import copy
import os
import re
import subprocess
import sys
import textwrap
import types
from pathlib import Path

import nolearn.lasagne
import numpy as np
import pytest
import sklearn.base
import theano

from kfkd.callbacks import AdjustVariable, EarlyStopping, PrintTables
from tests.helpers import small_faces

ROOT = Path(__file__).resolve().parents[2]


class Record:
    """A callback that keeps what a function says of the net after each epoch."""

    def __init__(self, function):
        self.function = function
        self.values = []

    def __call__(self, net, train_history):
        self.values.append(self.function(net))


class Losses:
    """A callback that replaces the validation losses by others."""

    def __init__(self, losses):
        self.losses = list(losses)

    def __call__(self, net, train_history):
        train_history[-1]["valid_loss"] = self.losses.pop(0)


class Interrupt:
    """A callback that presses Ctrl-C after some epochs."""

    def __init__(self, after):
        self.after = after

    def __call__(self, net, train_history):
        if train_history[-1]["epoch"] == self.after:
            raise KeyboardInterrupt


def hidden(net):
    return net.get_all_params_values()["hidden"][0].copy()


# --- AdjustVariable -------------------------------------------------------------------


def scheduled(max_epochs, epoch, dtype="float32"):
    net = types.SimpleNamespace(
        rate=theano.shared(np.asarray(7, dtype)), max_epochs=max_epochs
    )
    AdjustVariable("rate", start=0.03, stop=0.001)(net, [{"epoch": epoch}])
    assert net.rate.get_value().dtype == net.rate.dtype == dtype
    return float(net.rate.get_value())


@pytest.mark.parametrize(
    ("epoch", "share"), [(1, 0), (2, 1 / 20), (11, 1 / 2), (21, 1), (22, 1), (99, 1)]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_variable_goes_straight_from_start_to_stop(epoch, share, dtype):
    value = 0.03 - share * (0.03 - 0.001)
    assert scheduled(21, epoch, dtype) == pytest.approx(value, rel=1e-6)


def test_a_single_epoch_stays_at_the_start():
    assert scheduled(1, 1) == scheduled(1, 2) == np.float32(0.03)


def adjusted(record, max_epochs=3):
    return small_faces.small(
        update_learning_rate=theano.shared(np.float32(0.03)),
        on_epoch_finished=[
            AdjustVariable("update_learning_rate", start=0.03, stop=0.01),
            record,
        ],
        max_epochs=max_epochs,
    )


def rate(net):
    return float(net.update_learning_rate.get_value())


def test_the_schedule_holds_on_a_second_fit_and_begins_again_in_a_clone():
    net = adjusted(Record(rate))
    net.fit(*small_faces.rows())
    net.fit(*small_faces.rows(), epochs=2)
    seen = net.on_epoch_finished[1].values
    assert seen == pytest.approx([0.03, 0.02, 0.01, 0.01, 0.01])

    begins = []
    clone = sklearn.base.clone(net)
    clone.on_epoch_finished[1].values.clear()
    clone.on_batch_finished = [lambda net, history: begins.append(rate(net))]
    clone.max_epochs = 5
    clone.fit(*small_faces.rows())
    assert begins[0] == np.float32(0.03)  # not the 0.01 that the first has come to
    seen = clone.on_epoch_finished[1].values
    assert seen == pytest.approx([0.03, 0.025, 0.02, 0.015, 0.01])
    assert rate(net) == np.float32(0.01)


def test_the_update_uses_the_variable():
    net = adjusted(Record(hidden), max_epochs=2)
    net.on_epoch_finished[0] = AdjustVariable("update_learning_rate", 0.0, 0.0)
    net.update_momentum = 0.0
    net.seed(0).initialize()
    before = hidden(net)
    net.fit(*small_faces.rows())
    for after in net.on_epoch_finished[1].values:
        assert np.array_equal(after, before)


@pytest.mark.parametrize("kind", [0, 1])
def test_a_number_cannot_be_adjusted(kind):
    NeuralNet = (small_faces.NeuralNet, nolearn.lasagne.NeuralNet)[kind]
    net = small_faces.small(
        NeuralNet, on_epoch_finished=[AdjustVariable("update_momentum")]
    )
    with pytest.raises(TypeError, match=r"momentum is 0\.9, but must be a shared"):
        net.fit(*small_faces.rows())
    assert len(net.train_history_) == kind  # ours finds out before it trains


# --- EarlyStopping --------------------------------------------------------------------


def stopping(losses, *more, patience=2, **changes):
    record = Record(hidden)
    net = small_faces.small(
        on_epoch_finished=[Losses(losses), record, EarlyStopping(patience), *more],
        **changes,
    )
    return net, record, net.on_epoch_finished[2]


LOSSES = [0.5, 0.3, 0.4, 0.3, 0.35, 0.1]


@pytest.mark.parametrize(
    "NeuralNet", [small_faces.NeuralNet, nolearn.lasagne.NeuralNet]
)
def test_training_stops_after_patience_with_the_best_weights(NeuralNet, capsys):
    net, record, stop = stopping(LOSSES, max_epochs=9, kind=NeuralNet, verbose=1)
    net.fit(*small_faces.rows())
    assert len(net.train_history_) == 5  # the best is 2, and 5 > 2 + patience
    assert (stop.best_valid, stop.best_valid_epoch) == (0.3, 2)
    assert np.array_equal(hidden(net), record.values[1])
    assert not np.array_equal(hidden(net), record.values[4])
    message = "Early stopping.\nBest valid loss was 0.300000 at epoch 2.\n"
    assert capsys.readouterr().out.count(message) == 1


def test_a_quiet_net_stops_in_silence(capsys):
    net, *_ = stopping(LOSSES, max_epochs=9, verbose=0)
    net.fit(*small_faces.rows())
    assert len(net.train_history_) == 5
    assert capsys.readouterr().out == ""


def test_the_best_weights_can_be_looked_at():
    seen = []

    def look(net, train_history):
        seen.append((net.get_all_params_values(), stop.best_weights))

    net, _, stop = stopping(LOSSES, max_epochs=3)
    net.on_epoch_finished.append(look)
    assert stop.best_weights is None
    net.fit(*small_faces.rows())
    for epoch in (1, 2):  # of which the second is the best
        expected, found = seen[1][0], seen[epoch][1]
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            assert all(map(np.array_equal, found[name], values)), name
    assert copy.deepcopy(stop).best_weights is None


def test_the_best_weights_come_back_at_the_last_epoch(capsys):
    net, record, stop = stopping(LOSSES, max_epochs=4)
    net.fit(*small_faces.rows())
    assert len(net.train_history_) == 4
    assert stop.best_valid_epoch == 2
    assert np.array_equal(hidden(net), record.values[1])
    assert capsys.readouterr().out == ""


def test_the_best_weights_come_back_on_ctrl_c():
    net, record, _ = stopping(LOSSES, Interrupt(3), max_epochs=9)
    net.fit(*small_faces.rows())
    assert net.interrupted_
    assert len(net.train_history_) == 3
    assert np.array_equal(hidden(net), record.values[1])


def test_a_second_fit_starts_afresh():
    net, record, stop = stopping([0.1, 0.2, 0.9, 0.8, 0.7], max_epochs=2)
    net.fit(*small_faces.rows())
    assert stop.best_valid_epoch == 1
    net.fit(*small_faces.rows(), epochs=3)
    assert (stop.best_valid, stop.best_valid_epoch) == (0.7, 5)
    assert np.array_equal(hidden(net), record.values[4])


@pytest.mark.parametrize(
    "NeuralNet", [small_faces.NeuralNet, nolearn.lasagne.NeuralNet]
)
def test_a_clone_starts_afresh(NeuralNet):
    net, _, _ = stopping([0.1, 0.2], max_epochs=2, kind=NeuralNet)
    net.fit(*small_faces.rows())
    clone = sklearn.base.clone(net)
    clone.on_epoch_finished[0].losses = [0.9, 0.8]
    clone.fit(*small_faces.rows())
    stop = clone.on_epoch_finished[2]
    assert (stop.best_valid, stop.best_valid_epoch) == (0.8, 2)


def test_plain_nolearn_gives_the_best_weights_back_if_told_to():
    net, record, stop = stopping(LOSSES, max_epochs=4, kind=nolearn.lasagne.NeuralNet)
    net.on_training_finished = [stop.on_training_finished]
    net.fit(*small_faces.rows())
    assert np.array_equal(hidden(net), record.values[1])


def test_a_failed_start_leaves_the_weights_alone():
    net, _, _ = stopping([0.1, 0.9, 0.5], max_epochs=2)
    net.fit(*small_faces.rows())
    net.partial_fit(*small_faces.rows())
    net.get_all_params()[0].set_value(np.zeros((9216, 4), "float32"))
    net.on_epoch_finished.insert(0, AdjustVariable("update_momentum"))
    with pytest.raises(TypeError):
        net.fit(*small_faces.rows())
    assert not hidden(net).any()


def test_no_validation_set_is_an_error():
    net, _, _ = stopping([])
    net.on_epoch_finished.pop(0)
    net.train_split = nolearn.lasagne.TrainSplit(eval_size=0)
    with pytest.raises(ValueError, match="EarlyStopping needs a validation loss"):
        net.fit(*small_faces.rows())


def test_losses_that_become_nan_are_no_improvement():
    net, record, stop = stopping([0.2, *[np.nan] * 8], max_epochs=9)
    net.fit(*small_faces.rows())
    assert len(net.train_history_) == 4
    assert stop.best_valid_epoch == 1
    assert np.array_equal(hidden(net), record.values[0])


# --- PrintTables ----------------------------------------------------------------------

HEAD = """\
 Epoch  |  Train loss  |  Valid loss  |  Train / Val
--------|--------------|--------------|---------------
"""
# The rows of net2 as the tutorial prints them: losses, and their ratio before rounding.
TEXT = [(0.111763, 0.042740, 2.614934), (0.018500, 0.009413, 1.965295)]
TEXT += [(0.008598, 0.007918, 1.085823), (0.007292, 0.007284, 1.001139)]


def test_rows_are_those_of_the_text(capsys):
    tables, history = PrintTables(), []
    tables.printed = 0
    for epoch, (train, valid, ratio) in enumerate(TEXT, start=1):
        # Losses within their rounding whose quotient is the ratio.
        shift = (train - ratio * valid) / (2 * ratio)
        valid += shift
        history.append({"epoch": epoch, "train_loss": ratio * valid})
        history[-1]["valid_loss"] = valid
        tables(None, history)
    printed = capsys.readouterr().out.splitlines()
    for epoch, (row, numbers) in enumerate(zip(printed, TEXT, strict=True), start=1):
        cells = [cell.strip() for cell in row.split("|")]
        assert cells[0] == str(epoch)
        assert [float(c) for c in cells[1:]] == pytest.approx(numbers, abs=1.01e-6)
        assert all(re.fullmatch(r"\d\.\d{6}", c) for c in cells[1:])
        bars = [match.start() for match in re.finditer(r"\|", row)]
        for line in HEAD.splitlines():
            assert [m.start() for m in re.finditer(r"\|", line)] == bars


def epochs(text):
    """The epochs in the rows of a printed table."""
    return [int(n) for n in re.findall(r"^ +(\d+)  \| ", text, re.MULTILINE)]


def test_a_table_is_printed_once_for_each_fit_and_goes_on(capsys):
    net = small_faces.small(verbose=1, log_every=2, max_epochs=5)
    for expected in ([2, 4, 5], [6, 8, 10]):
        net.fit(*small_faces.rows())
        out = capsys.readouterr().out
        assert out.count(HEAD) == 1
        assert re.match(r"Training on \w+", out)
        assert "  InputLayer         (None, 9216)         produces    9216 out" in out
        assert epochs(out) == expected
    clone = sklearn.base.clone(sklearn.base.clone(net))
    clone.fit(*small_faces.rows())
    out = capsys.readouterr().out
    assert out.count(HEAD) == 1
    assert epochs(out) == [2, 4, 5]


def test_the_epoch_that_ends_training_is_printed(capsys):
    net, _, _ = stopping(LOSSES, max_epochs=9, verbose=1, log_every=4)
    net.fit(*small_faces.rows())
    out = capsys.readouterr().out
    rows, message = out.split("Early stopping.\n")
    assert epochs(rows) == [4, 5]
    assert message == "Best valid loss was 0.300000 at epoch 2.\n"


def test_without_validation_loss_the_table_says_nan(capsys):
    net = small_faces.small(verbose=1, max_epochs=1)
    net.train_split = nolearn.lasagne.TrainSplit(eval_size=0)
    net.fit(*small_faces.rows())
    assert re.search(
        r"     1  \|    \d\.\d{6}  \|         nan  \| +nan", capsys.readouterr().out
    )


def test_nothing_is_printed_unless_asked_for(capfd):
    small_faces.small().fit(*small_faces.rows()).predict(small_faces.rows()[0])
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_no_bar_unless_on_a_terminal(capfd):
    small_faces.small(verbose=1).fit(*small_faces.rows())
    out, err = capfd.readouterr()
    assert "\r" not in out
    assert err == ""


@pytest.mark.process
def test_on_a_terminal_a_bar_shows_the_time_left(pseudo_terminal):
    import fcntl
    import struct
    import termios

    script = """
        import kfkd
        from tests.helpers import small_faces
        small_faces.small(verbose=1, max_epochs=4).fit(*small_faces.rows())
        print("End")
    """
    master, slave = pseudo_terminal
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    os.close(slave)
    received = b""
    while True:
        try:
            received += (block := os.read(master, 4096))
        except OSError:  # how Linux says that nobody writes any more
            break
        if not block:
            break
    os.close(master)
    assert process.wait() == 0
    text = received.decode()
    assert re.search(r"2/4 \[\d\d:\d\d<\d\d:\d\d, ", text)
    # What stays on the screen: of each line what came after the last return.
    lines = [line.rstrip("\r").split("\r")[-1] for line in text.split("\n")]
    table = "\n".join(line.rstrip() for line in lines)
    assert epochs(table) == [1, 2, 3, 4]
    assert re.search(r"\n     4  \| [^\n]*\nEnd\n$", table)
    assert "epoch/s" not in table
