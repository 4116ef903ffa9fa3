"""scripts/reproduce.py, in this process, and as a user starts it."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kfkd import data, faces, storage, xla
from kfkd.cli import reproduce
from kfkd.errors import KfkdError

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "reproduce.py"

pytestmark = pytest.mark.usefixtures("work")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return faces.make(tmp_path_factory.mktemp("data"), n_train=60, n_test=8)


def arguments(folder, *others):
    start = ["--nets", "net1", "--data", str(folder), "--epochs-scale", "0.005"]
    return [*start, "--device", "cpu", *others]


def read(path):
    return Path(path).read_text(encoding="utf-8").replace("&#39;", "'")


def test_a_net_is_trained_and_a_page_written(folder, work, capsys):
    assert reproduce.main(arguments(folder)) == 0
    assert "net1 (1 of 1)\n" in capsys.readouterr().out
    out = work / "reproduction"
    names = {path.name for path in out.iterdir()}
    assert names == {"net1.pickle", "net1.json", "report.html"}
    net = storage.load(out / "net1.pickle")
    assert len(net.train_history_) == net.max_epochs == 2

    text = read(out / "report.html")
    last = net.train_history_[-1]
    X, y = data.load(folder=folder)
    loss = ((net.predict(X) - y) ** 2).mean()
    for part in (
        "Drawn faces, not Kaggle's photographs",
        "Fewer epochs than in the tutorial",
        "here (× 0.005)",
        "0.002244",  # the tutorial's
        f"{last['train_loss']:.6f}",
        f"{last['valid_loss']:.6f}",
        f"{48 * last['valid_loss'] ** 0.5:.2f}",
        f"{loss:.6f}",  # without dropout, of all faces
        "theano-pymc",
        "1.1.2",
        xla.describe_device(),
        f"BLAKE2b {data.fingerprint(folder / 'training.csv')}",
        "60 faces",
        "8 test faces",
        "kfkd reproduce --nets net1",
    ):
        assert part in text
    pictures = re.findall(r'src="data:image/png;base64,[^"]+" alt="([^"]+)"', text)
    assert pictures == [
        "Errors of net1 in training and validation over the epochs",
        "8 faces with the key points that are predicted by net1",
        "The weights of the first layer of net1 as small images",
        "A face and its mirror image, each with its key points",
    ]
    assert str(work) not in text
    assert str(folder) not in text
    # Kaggle's score, as scripts/submit.py prints it.
    _, _, score = text.partition("<h2>Kaggle's score</h2>")
    name, theirs, ours, *_ = re.findall(r"<td[^>]*>(.+)</td>", score)
    assert (name, theirs) == ("net1", "–")
    assert re.fullmatch(r"[\d.]+", ours)

    # The same again trains nothing.
    capsys.readouterr()
    assert reproduce.main(arguments(folder)) == 0
    printed = capsys.readouterr().out
    assert "net1 (1 of 1): finished before" in printed
    assert "Epoch" not in printed


@pytest.mark.slow
def test_a_page_about_what_is_finished(folder, work, capsys):
    Path("reproduction").mkdir()
    assert reproduce.main(arguments(folder, "--report-only", "--holdout", "0.2")) == 0
    text = read("reproduction/report.html")
    assert "Still to come: net1." in text
    assert reproduce.main(arguments(folder, "--holdout", "0.2", "--out", "a/b")) == 0
    capsys.readouterr()
    more = ["--nets", "net1", "net2", *arguments(folder, "--holdout", "0.2")[2:]]
    assert reproduce.main([*more, "--report-only", "--out", "a/b"]) == 0
    assert "Epoch" not in capsys.readouterr().out
    text = read("a/b/report.html")
    assert "Still to come: net2." in text
    assert "rows held out" in text
    assert "<h2>net1: single hidden</h2>" in text


def test_nets_are_trained_in_the_precision_asked_for(folder, monkeypatch):
    found = []

    def run(*args, **kwargs):
        found.append(xla.get_precision())
        return {}

    monkeypatch.setattr("kfkd.reproduction.run", run)
    monkeypatch.setattr("kfkd.xla.precision._chosen", None)  # put back at the end
    assert reproduce.main(arguments(folder, "--precision", "bfloat16")) == 0
    assert found == ["bfloat16"]
    assert "--precision bfloat16" in read("reproduction/report.html")


def test_a_net_that_fails_is_named(folder, monkeypatch, capsys):
    def fit(net, X, y, **options):
        raise MemoryError("no room for <it>")

    monkeypatch.setattr("kfkd.estimator.NeuralNet.fit", fit)
    assert reproduce.main(arguments(folder)) == 1
    text = read("reproduction/report.html")
    assert "<strong>net1 can't be used</strong>" in text
    assert "<p>Training failed: MemoryError: no room for &lt;it&gt;.</p>" in text


def test_without_nets_named_all_and_the_pretrained_specialists():
    args = reproduce.parse_args([])
    settings = reproduce.read_settings(args, None)
    assert settings.wanted()[-3:] == ["net12", "modern", "specialists-pretrained"]
    args = reproduce.parse_args(["--nets", "net3"])
    assert reproduce.read_settings(args, None).wanted() == ["net3"]
    args = reproduce.parse_args(["--nets", "net3", "--specialists", "both"])
    assert reproduce.read_settings(args, None).wanted() == [
        "net3",
        "net7",
        "specialists-scratch",
        "specialists-pretrained",
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--nets", "net9"], "argument --nets: 'net9' is not one of net1,"),
        (["--specialists", "all"], "argument --specialists: 'all' is not one of none,"),
        (["--epochs-scale", "0"], "--epochs-scale: 0 is not greater than 0"),
        (["--pretrain", "net1"], "argument --pretrain: 'net1' is not one of net2,"),
        (["--jobs", "0"], "--jobs: 0 is not a number of jobs"),
        (["--data", "x", "--synthetic"], "--data and --synthetic exclude each other"),
    ],
)
def test_usage_errors(wrong, message, usage_error):
    assert message in usage_error(reproduce.parse_args, wrong)


def test_a_folder_that_cannot_be_made_is_found_before_training(folder, work):
    (work / "file").write_text("")
    with pytest.raises(storage.StorageError, match="file cannot be made"):
        reproduce.main(arguments(folder, "--out", "file"))


def test_a_folder_is_not_left_empty_by_what_cannot_begin(work):
    message = r"at most 1,000,000|no folder (nosuch|new)"
    for wrong in (["--epochs-scale", "1e308"], ["--data", "nosuch"], ["--report-only"]):
        with pytest.raises(KfkdError, match=message):
            reproduce.main(["--nets", "net1", "--out", "new", *wrong])
    assert not [*work.iterdir()]


@pytest.mark.process
@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished(folder):
    long = arguments(folder, "--log-every", "1")
    long[1:2] = ["net1", "net2"]
    process = subprocess.Popen(
        [sys.executable, "-u", str(SCRIPT), *long],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if line == "net2 (2 of 2)\n":
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "What is finished is kept in reproduction; the same command goes on" in out
    assert err == "\nInterrupted.\n"
    names = sorted(path.name for path in Path("reproduction").iterdir())
    assert names == ["net1.json", "net1.pickle"]
