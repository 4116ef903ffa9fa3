"""Results and what they were made from."""

import re
import tempfile
from pathlib import Path

import pytest

from kfkd.files.spare import save_or_spare
from kfkd.jobs.results import Results, differences
from kfkd.storage import StorageError


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (None, dict(seed=1), ""),
        (dict(seed=1), dict(seed=1), ""),
        # What a record has besides, such as when it ended.
        (dict(seed=1, ended="2024"), dict(seed=1), ""),
        (dict(columns=["a", "b"]), dict(columns=("a", "b")), ""),
        (dict(seed=1, rows=5), dict(seed=2, rows=6), "seed 1, now 2, rows 5, now 6"),
        (dict(batch_size=8), dict(batch_size=4), "batch size 8, now 4"),
        (dict(start=None), dict(start="net6"), "start None, now net6"),
        # A new key, even if there is nothing to say.
        ({}, dict(start=None), "other start"),
        (dict(data="ab"), dict(data="cd"), "other data"),
        (dict(pretrained_from=None), dict(pretrained_from="ab"), "other weights to"),
        (dict(flip_indices=[]), dict(flip_indices=[(0, 1)]), "other flip indices"),
        (dict(parameters={"p": 1}), dict(parameters={"p": 2}), "other parameters"),
    ],
)
def test_differences_of_provenance(before, now, words):
    found = differences(before, now)
    assert found.startswith(words)
    assert bool(found) == bool(words)


def test_a_result_keeps_its_provenance(tmp_path):
    results = Results(tmp_path)
    assert results.provenance("nose_tip") is None
    now = dict(columns=("x", "y"), seed=1)
    results.save("nose_tip", b"a net", now)
    assert results.provenance("nose_tip") == dict(columns=["x", "y"], seed=1)
    assert not differences(results.provenance("nose_tip"), now)
    for damaged in (b"a nut", b""):
        (tmp_path / "nose_tip.pickle").write_bytes(damaged)
        assert results.provenance("nose_tip") is None
    results.save("nose_tip", b"a net", now)
    for damaged in ("[]", "", "[" * 10**5, '{"pickle": 5}', "{"):
        (tmp_path / "nose_tip.json").write_text(damaged)
        assert results.provenance("nose_tip") is None


def test_a_result_is_saved_elsewhere_if_its_folder_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(StorageError, match=r"there is no folder .*gone;") as caught:
        Results(tmp_path / "gone").save("a", b"net", {})
    saved = re.search(r"\. The net is saved in (\S+)$", str(caught.value))[1]
    assert Path(saved).name == "a.pickle"
    assert Path(saved).read_bytes() == b"net"


@pytest.mark.parametrize("temporary", [".", "nosuch"])
def test_where_there_is_no_other_place_either_nothing_is_left(
    tmp_path, monkeypatch, temporary
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / temporary))

    def fail(*args):
        raise StorageError("the disk is full")

    with pytest.raises(StorageError, match="the disk is full"):
        save_or_spare(fail, fail, "a.pickle")
    assert not [*tmp_path.iterdir()]
