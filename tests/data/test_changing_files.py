"""Files that change while they are read: nobody gets a mixture, or an error of one."""

import zipfile

import pytest

from kfkd import data
from kfkd.data import DataError, locate, read
from kfkd.prediction import submission
from tests.helpers import kaggle_tables

LOOKUP = "RowId,ImageId,FeatureName\n1,1,{0}\n2,1,{0}\n"


@pytest.fixture
def path(work, tmp_path, monkeypatch):
    """A test set whose every image has 255 as its second pixel."""
    monkeypatch.setattr(locate, "_BLOCK", 1000)  # less than a row
    kaggle_tables.make(tmp_path / "set")
    return tmp_path / "set" / "test.csv"


def with_grey(path, grey):
    """Return the content of a test set with another second pixel."""
    return path.read_bytes().replace(b",0 255 ", b",0 %d " % grey)


def greys(path):
    return {*read("test", path.parent).images[:, 1]}


@pytest.fixture
def meanwhile(monkeypatch):
    """Have actions carried out one after the other, in the midst of readings."""

    def meanwhile(*actions, at_the_end=lambda: None):
        class Slow:
            def __init__(self, stream):
                self.stream, self.n = stream, 0

            def readline(self, limit):
                if self.n == 2:
                    next(remaining, lambda: None)()
                self.n += 1
                line = self.stream.readline(limit)
                if not line:
                    at_the_end()
                return line

        def parse_slowly(stream, where, *, test):
            return parse(Slow(stream), where, test=test)

        remaining = iter(actions)
        parse = data.datasets.parse
        monkeypatch.setattr(data.datasets, "parse", parse_slowly)

    return meanwhile


def test_a_file_that_is_written_to_is_read_again(path, meanwhile):
    original, changed = path.read_bytes(), with_grey(path, 254)
    meanwhile(lambda: path.write_bytes(changed))
    assert greys(path) == {254}
    path.write_bytes(original)
    assert greys(path) == {255}  # and no copy is kept under another's content
    path.write_bytes(changed)
    assert greys(path) == {254}


def test_a_file_that_is_replaced_is_read_to_its_end(path, meanwhile):
    changed = with_grey(path, 254)

    def replace():
        path.rename(path.with_suffix(".old"))
        path.write_bytes(changed)

    meanwhile(replace)
    assert greys(path) == {255}
    assert greys(path) == {254}


def test_a_change_that_is_taken_back(path, meanwhile):
    original, changed = path.read_bytes(), with_grey(path, 254)
    meanwhile(
        lambda: path.write_bytes(changed),
        at_the_end=lambda: path.write_bytes(original),
    )
    assert greys(path) == {255}


def test_an_error_in_half_a_file_is_forgotten(path, meanwhile):
    whole = path.read_bytes()
    half = whole[: len(whole) // 2]
    path.write_bytes(half)
    meanwhile(lambda: path.write_bytes(whole))
    assert greys(path) == {255}
    path.write_bytes(half)
    with pytest.raises(DataError, match="the file seems cut off here"):
        greys(path)


def test_a_file_that_changes_again_and_again(path, meanwhile):
    contents = [with_grey(path, grey) for grey in (254, 253)]
    meanwhile(*[lambda c=content: path.write_bytes(c) for content in contents])
    with pytest.raises(DataError, match=r"test\.csv changes while it is read; wait "):
        greys(path)


def test_a_zip_file_is_kept_under_the_content_that_was_read(path, monkeypatch):
    def zipped(content):
        with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
            archive.writestr("test.csv", content)

    def fingerprint(file):
        found = take_fingerprint(file)
        if contents:
            zipped(contents.pop())
        return found

    original, changed = path.read_bytes(), with_grey(path, 254)
    path.unlink()
    zipped(original)
    contents = [changed]
    take_fingerprint = data.fingerprint
    for module in (data.datasets, locate):
        monkeypatch.setattr(module, "fingerprint", fingerprint)
    assert greys(path) == {254}
    zipped(original)
    assert greys(path) == {255}


def test_the_lookup_table(work, monkeypatch):
    """As it is read at once, it can only change after its fingerprint was taken."""
    path = kaggle_tables.write(
        work / "IdLookupTable.csv", [LOOKUP.format("nose_tip_x")]
    )
    take_fingerprint = locate.fingerprint
    contents = [LOOKUP.format("nose_tip_y"), "half of i"]

    def fingerprint(file):
        found = take_fingerprint(file)
        if contents:
            path.write_text(contents.pop())
        return found

    monkeypatch.setattr(locate, "fingerprint", fingerprint)
    with pytest.raises(DataError, match=r"IdLookupTable\.csv changes while it is read"):
        submission.read_lookup(work)
    assert {*submission.read_lookup(work)["FeatureName"]} == {"nose_tip_y"}
