"""Files that are damaged at random: an error, or what is in them, and nothing else.

How many cases of each kind are tried: a few hundred, or as KFKD_CASES says.
"""

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kfkd import storage
from kfkd.data import COLUMNS, DataError
from kfkd.data.parse import parse
from kfkd.files import arrays
from kfkd.storage import StorageError
from tests.helpers import kaggle_tables, small_faces
from tests.helpers.cases import number

cases = settings(
    max_examples=number(300),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
# Where, as a share of the file; how many bytes are cut out there, and what is put in.
places = st.floats(0, 1, exclude_max=True)
edits = st.tuples(places, st.integers(0, 40), st.binary(max_size=40))
endings = st.tuples(places, st.just(10**9), st.just(b""))
damages = st.lists(st.one_of(edits, endings), min_size=1, max_size=3)

# A few characters of a table in the place of others.
characters = st.text("0123456789 ,.-+eEnaN\"'\r\n\t;", min_size=1, max_size=3)
misprints = st.lists(
    st.tuples(places, characters).map(lambda p: (p[0], len(p[1]), p[1].encode())),
    min_size=1,
    max_size=3,
)


def damaged(content, damage):
    for place, length, new in damage:
        i = int(place * len(content))
        content = content[:i] + new + content[i + length :]
    return content


@pytest.fixture(scope="module")
def net():
    net = small_faces.small(input_shape=(None, 6)).seed(1)
    net.initialize()
    return net


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@pytest.mark.parametrize("name", ["net.npz", "net.pickle"])
def test_a_nets_file_never_gives_another_net(net, folder, name):
    path = Path(folder, name)
    storage.save(net, path)
    sound, expected = path.read_bytes(), net.get_all_params_values()

    @cases
    @given(damages)
    def check(damage):
        path.write_bytes(damaged(sound, damage))
        try:
            loaded = storage.load(path)
        except StorageError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:
            np.testing.assert_equal(loaded.get_all_params_values(), expected)

    check()


def test_a_file_of_arrays_never_gives_others(folder):
    path = Path(folder, "arrays")
    given_arrays = {"a": np.arange(12.0).reshape(3, 4), "b": np.array([True, False])}
    arrays.write(path, "kind", given_arrays, {"x": [1, "é", None]})
    sound = path.read_bytes()

    @cases
    @given(damages)
    def check(damage):
        path.write_bytes(damaged(sound, damage))
        try:
            found, about = arrays.read(path, "kind")
        except StorageError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:
            np.testing.assert_equal(found, given_arrays)
            assert about == {"x": [1, "é", None]}

    check()


def plain_table():
    """A training set of three rows whose images are short, to be damaged elsewhere."""
    labels, _ = kaggle_tables.draw(rows=3)
    image = " ".join(["17"] * 9216)
    lines = [",".join((*COLUMNS, "Image"))]
    for row in labels:
        numbers = ["" if math.isnan(v) else repr(float(v)) for v in row]
        lines.append(",".join((*numbers, image)))
    return "\n".join(lines) + "\n"


def read_plainly(text):
    """Return labels and images as Python's own reader of CSV has them.

    Quotes around a value, or on one side of it, are no part of it.
    """
    reader = csv.DictReader(io.StringIO(text), quoting=csv.QUOTE_NONE)
    rows = [
        {name.strip(' "'): value.strip(' "') for name, value in row.items()}
        for row in reader
        if any(value.strip() for value in row.values())
    ]
    labels = [[float(row[c] or "nan") for c in COLUMNS] for row in rows]
    images = [[float(pixel) for pixel in row["Image"].split()] for row in rows]
    return np.array(labels), np.array(images)


# Most of the file are pixels: damage there, and as often in the header and the labels.
@cases
@given(st.one_of(damages, misprints, misprints, misprints), st.booleans())
def test_a_table_is_read_as_it_stands_or_refused(damage, near_the_start):
    if near_the_start:
        damage = [(place / 16, min(length, 40), new) for place, length, new in damage]
    content = damaged(plain_table().encode(), damage)
    try:
        table = parse(io.BytesIO(content), "some.csv", test=False)
    except DataError as error:
        assert str(error).startswith("some.csv")  # noqa: PT017
        return
    labels, images = read_plainly(content.decode("utf-8-sig"))
    order = [table.columns.index(name) for name in COLUMNS]
    np.testing.assert_array_equal(table.labels[:, order], labels)
    np.testing.assert_array_equal(table.images, images.astype(np.float32))
