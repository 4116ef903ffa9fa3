"""The printed log, compared with the tutorial's text."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import nolearn.lasagne
import numpy as np
import pytest
import sklearn.base

from kfkd.callbacks import PrintTables
from tests.helpers import small_faces
from tests.helpers.small_nets import classifier, labelled, regressor, rows

ROOT = Path(__file__).resolve().parents[2]


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


def test_scores_have_columns_of_their_own(capsys):
    scores = dict(
        scores_train=[("on train", lambda p, y: p[0].max())],
        scores_valid=[("a score with a long name", lambda p, y: p[0].mean())],
        custom_scores=[("each", lambda y, p: np.array([0.5, 2]))],
    )
    net = classifier(verbose=1, **scores).fit(*labelled())
    head, rule, *lines = capsys.readouterr().out.splitlines()[-5:]
    names = ["Epoch", "Train loss", "Valid loss", "Train / Val", "Valid acc"]
    names += ["each", "on train", "a score with a long name"]
    assert [name.strip() for name in head.split("|")] == names
    assert {*rule} == {"-", "|"}
    assert len({len(line) for line in (head, *lines)}) == 1
    for line, row in zip(lines, net.train_history_, strict=True):
        cells = [cell.strip() for cell in line.split("|")]
        found = [float(cells[i]) for i in (0, 1, 2, 4, 6, 7)]
        keys = ["epoch", "train_loss", "valid_loss", "valid_accuracy", *names[6:]]
        assert found == pytest.approx([row[key] for key in keys], abs=1e-6)
        assert cells[5] == "[0.5 2. ]"


def test_the_table_of_a_regression_is_the_tutorials(capsys):
    regressor(verbose=1).fit(*rows())
    head = capsys.readouterr().out.splitlines()[-5]
    assert head == " Epoch  |  Train loss  |  Valid loss  |  Train / Val"
