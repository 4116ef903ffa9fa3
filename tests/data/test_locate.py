import hashlib
import io
import os
import resource
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kfkd import data
from kfkd.data import DataError, NoDataError, find, open_csv, read
from kfkd.errors import ArgumentError
from tests.helpers import kaggle_tables

pytestmark = pytest.mark.usefixtures("work")

NAMES = ("training", "test")


def zipped(files):
    """Return the bytes of a zip file that holds the files given by name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.fixture
def made(tmp_path):
    """Return what the tests expect to read, and the texts of the kaggle_tables."""
    labels, images = kaggle_tables.make(tmp_path / "made", rows=3)
    texts = [(tmp_path / "made" / f"{name}.csv").read_bytes() for name in NAMES]
    return labels, images, *texts


def test_places_in_their_order(tmp_path, monkeypatch):
    home = tmp_path / "home/data/kaggle-facial-keypoint-detection"
    for place in (home, Path("data"), tmp_path / "set", tmp_path / "given"):
        path = kaggle_tables.write(place / "training.csv", ["x"])
        if place == tmp_path / "set":
            monkeypatch.setenv("KFKD_DATA", str(place))
        if place == tmp_path / "given":
            assert find("training", place) == path
        else:
            assert find("training").samefile(path)


def test_a_home_folder_may_be_written_with_a_tilde(tmp_path, monkeypatch):
    path = kaggle_tables.write(tmp_path / "home/faces/test.csv", ["x"])
    assert find("test", "~/faces") == path
    monkeypatch.setenv("KFKD_DATA", "~/faces")
    assert find("test") == path


def test_nothing_found():
    with pytest.raises(NoDataError) as caught:
        find("training")
    message = str(caught.value)
    assert message.startswith("there is no training.csv in ./data or ~/data/kaggle-fa")
    for part in (
        "kaggle competitions download -c facial-keypoints-detection",
        "KFKD_DATA",
        "--synthetic",
        "kfkd.faces.make()",
    ):
        assert part in message


def test_no_home(monkeypatch):
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(NoDataError, match=r"no training\.csv in \./data or ~/data/"):
        find("training")
    with pytest.raises(DataError, match="there is no folder ~/faces"):
        find("training", "~/faces")


@pytest.mark.parametrize("how", ["argument", "KFKD_DATA"])
@pytest.mark.parametrize("fault", ["lacks the file", "does not exist", "is a file"])
def test_a_named_folder_is_the_only_one_looked_into(tmp_path, monkeypatch, how, fault):
    kaggle_tables.make(Path("data"))
    kaggle_tables.write(tmp_path / "named" / "test.csv", ["x"])
    named = {
        "lacks the file": tmp_path / "named",
        "does not exist": tmp_path / "absent",
        "is a file": tmp_path / "named" / "test.csv",
    }[fault]
    folder = None
    if how == "argument":
        folder = named
    else:
        monkeypatch.setenv("KFKD_DATA", str(named))
    with pytest.raises(DataError) as caught:
        data.load(folder=folder)
    message = str(caught.value)
    assert not isinstance(caught.value, NoDataError)
    assert str(named) in message
    assert ("the folder that KFKD_DATA names" in message) == (how == "KFKD_DATA")
    assert message.startswith(
        {
            "lacks the file": f"there is no training.csv in {named}",
            "does not exist": f"there is no folder {named}",
            "is a file": f"{named} is a file",
        }[fault]
    )
    assert "--synthetic" not in message  # as nobody has asked for drawn faces


def test_a_table_where_its_folder_is_wanted(tmp_path):
    table = kaggle_tables.write(tmp_path / "named" / "test.csv", ["x"])
    with pytest.raises(DataError) as caught:
        find("training", table)
    assert str(caught.value) == (
        f"{table} is a file; name the folder with training.csv"
    )
    table = kaggle_tables.write(tmp_path / "named" / "training.csv", ["x"])
    with pytest.raises(DataError) as caught:
        find("training", table)
    assert str(caught.value) == (
        f"{table} is a file; name the folder that it is in: {table.parent}"
    )


def test_forms_of_a_file(tmp_path, monkeypatch, made):
    labels, images, training, test = made
    training_zip = zipped({"training.csv": training})
    test_zip = zipped({"test.csv": test})
    forms = {
        "plain": {"training.csv": training, "test.csv": test},
        "as downloaded": {"training.zip": training_zip, "test.zip": test_zip},
        "one by one": {"training.csv.zip": training_zip, "test.csv.zip": test_zip},
        "under the table's name": {"training.csv": training_zip, "test.csv": test_zip},
        "archive": {
            "facial-keypoints-detection.zip": zipped(
                {"IdLookupTable.csv": "x", "training.csv": training, "test.csv": test}
            )
        },
        "nested archive": {
            "facial-keypoints-detection.zip": zipped(
                {"training.zip": training_zip, "test.zip": test_zip}
            )
        },
        "in a folder, from a Mac": {
            "training.zip": zipped(
                {"__MACOSX/training.csv": "x", "kaggle/training.csv": training}
            ),
            "test.zip": zipped({"__MACOSX/test.csv": "x", "kaggle/test.csv": test}),
        },
    }
    for form, files in forms.items():
        # A copy of the same zip file under another name would do, but show nothing.
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache of {form}"))
        folder = tmp_path / form
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        table = read("training", folder)
        np.testing.assert_array_equal(table.labels, labels)
        np.testing.assert_array_equal(table.images, images)
        np.testing.assert_array_equal(read("test", folder).images, images[::2])


def test_tables_of_other_kinds_can_be_opened(tmp_path):
    text = b"RowId,ImageId,FeatureName,Location\n1,1,nose_tip_x,\n"
    path = tmp_path / "facial-keypoints-detection.zip"
    path.write_bytes(zipped({"IdLookupTable.csv": text}))
    assert find("IdLookupTable", tmp_path) == path
    with open_csv(path, "IdLookupTable") as stream:
        assert stream.read() == text
    (tmp_path / "IdLookupTable.csv").write_bytes(text * 2)
    with open_csv(find("IdLookupTable", tmp_path), "IdLookupTable") as stream:
        assert stream.read() == text * 2


def broken(kind, training):
    content = zipped({"training.csv": training})
    middle = len(content) // 2
    if kind == "cut off":
        return content[:middle]
    if kind == "empty":
        return b""
    if kind == "damaged":
        return content[:middle] + bytes(64) + content[middle + 64 :]
    if kind == "a web page":
        return b"<html>log in</html>"
    if kind == "encrypted":  # by its flags, in both of its headers
        content = bytearray(content)
        content[6] |= 1
        content[content.index(b"PK\x01\x02") + 8] |= 1
        return bytes(content)
    if kind == "other compression":
        content = bytearray(content)
        content[8] = content[content.index(b"PK\x01\x02") + 10] = 97
        return bytes(content)
    if kind == "other content":
        return zipped({"a.txt": "1", "b.csv": "2"})
    if kind == "nothing in it":
        return zipped({})
    return zipped({"training.zip": content[:middle]})


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("cut off", "not a usable zip file .*download it again"),
        ("empty", "not a usable zip file .*download it again"),
        ("damaged", "not a usable zip file .*download it again"),
        ("a web page", "not a usable zip file .*download it again"),
        ("encrypted", "training.csv is encrypted"),
        ("other compression", "not a usable zip file .*compression"),
        ("other content", "holds no training.csv, but a.txt, b.csv"),
        ("nothing in it", "holds no training.csv, but nothing"),
        ("nested and cut off", "not a usable zip file .*download it again"),
    ],
)
@pytest.mark.parametrize("name", ["training.zip", "facial-keypoints-detection.zip"])
def test_unusable_zip_files(tmp_path, made, kind, message, name):
    (tmp_path / name).write_bytes(broken(kind, made[2]))
    with pytest.raises(DataError, match=message) as caught:
        read("training", tmp_path)
    assert str(tmp_path / name) in str(caught.value)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "method",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
)
def test_a_changed_byte_in_any_kind_of_zip_file(tmp_path, made, method):
    path = tmp_path / "set" / "training.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("training.csv", made[2])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"training\.(zip|csv)"):
        read("training", path.parent)


def test_a_file_that_is_not_there(tmp_path):
    path = tmp_path / "training.csv"
    for function in (
        data.fingerprint,
        lambda path: open_csv(path, "training").__enter__(),
        lambda path: data.read_csv(path, "training", print),
    ):
        with pytest.raises(DataError, match=r"training\.csv cannot be read: No such"):
            function(path)


def test_a_name_that_no_table_has(tmp_path):
    message = (
        r"^name is 'train'; it must be one of training, test, IdLookupTable \(did "
        r"you mean 'training'\?\)$"
    )
    with pytest.raises(ArgumentError, match=message):
        find("train", tmp_path)


def test_an_empty_name_is_no_wish_for_other_data():
    with pytest.raises(DataError, match="name of the folder") as caught:
        find("training", "")
    assert not isinstance(caught.value, NoDataError)


def test_a_fault_in_a_zipped_table_names_both_files(tmp_path, made):
    text = made[2].replace(b",0 255 ", b",0 256 ", 1)
    (tmp_path / "training.zip").write_bytes(zipped({"training.csv": text}))
    with pytest.raises(DataError, match=r"training.zip \(training.csv\), line 2, col"):
        read("training", tmp_path)


def test_fingerprint_is_of_the_content(tmp_path):
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    expected = hashlib.blake2b(content, digest_size=16).hexdigest()
    assert data.fingerprint(tmp_path / "file") == expected


@pytest.mark.parametrize("other", ["new/training.csv", "Training.CSV"])
def test_two_tables_of_one_name_in_a_zip_file_are_an_error(made, tmp_path, other):
    files = {"old/training.csv": made[2], other: made[2], "test.csv": "x"}
    (tmp_path / "training.zip").write_bytes(zipped(files))
    message = f"2 files of the same name: old/training.csv, {other}"
    with pytest.raises(DataError, match=message):
        read("training", tmp_path)


def test_zip_files_one_in_another_without_an_end(made, tmp_path):
    content = zipped({"training.csv": made[2]})
    for depth in range(1, 5):
        (tmp_path / "training.zip").write_bytes(content)
        if depth <= 3:
            np.testing.assert_equal(read("training", tmp_path).labels, made[0])
        else:
            with pytest.raises(DataError, match="more than 3 zip files one in another"):
                read("training", tmp_path)
        content = zipped({"training.zip": content})


def test_of_a_file_whose_lines_do_not_end_little_is_read(tmp_path, made):
    # So large that no machine could read it while a test waits.
    path = tmp_path / "training.csv"
    for begin, line in [(b"", 1), (made[2].splitlines(keepends=True)[0], 2)]:
        path.write_bytes(begin)
        os.truncate(path, 1 << 40)
        with pytest.raises(DataError, match=f"training.csv, line {line}: it is longer"):
            read("training", tmp_path)


class Memory:
    """A limit on how much more memory this process may have."""

    def __init__(self, more):
        self.limit = int(Path("/proc/self/statm").read_text().split()[0])
        self.limit = self.limit * resource.getpagesize() + more

    def __enter__(self):
        self.before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (self.limit, self.before[1]))

    def __exit__(self, *_):
        resource.setrlimit(resource.RLIMIT_AS, self.before)


@pytest.mark.parametrize("kind", ["sparse", "bomb", "sparse zip", "nested bomb"])
def test_a_file_that_does_not_end_takes_no_memory(tmp_path, kind):
    zeros = io.BytesIO()
    with zipfile.ZipFile(zeros, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        inner = "training.zip" if kind == "nested bomb" else "training.csv"
        with archive.open(inner, "w", force_zip64=True) as member:
            for _ in range(1200):
                member.write(b"1" * (1 << 20))
    path = tmp_path / ("training.csv" if kind == "sparse" else "training.zip")
    path.write_bytes(b"x" if kind.startswith("sparse") else zeros.getvalue())
    if kind.startswith("sparse"):
        os.truncate(path, 1200 << 20)
    message = "download it again" if kind != "sparse" else "is longer than 1,048,576 by"
    with Memory(200 << 20), pytest.raises(DataError, match=message):
        read("training", tmp_path)
