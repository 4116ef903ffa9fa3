import gzip
import io

import numpy as np
import pytest

from kfkd.data import COLUMNS, DataError
from kfkd.data.parse import parse
from tests.helpers import kaggle_tables

LABELS, IMAGES = kaggle_tables.draw(rows=5)
TRAINING = kaggle_tables.training_lines(LABELS, IMAGES)
TEST = kaggle_tables.test_lines(IMAGES)


def parsed(lines, *, test=False):
    text = lines if isinstance(lines, bytes) else ("\n".join(lines) + "\n").encode()
    return parse(io.BytesIO(text), "some.csv", test=test)


def check(table, *, test=False):
    np.testing.assert_array_equal(table.images, IMAGES.astype(np.uint8), strict=True)
    if test:
        np.testing.assert_array_equal(table.ids, [1, 2, 3, 4, 5])
    else:
        np.testing.assert_array_equal(table.labels, LABELS, strict=True)


def cells(line):
    return line.split(",")


@pytest.mark.parametrize("test", [False, True])
@pytest.mark.parametrize(
    "rewrite",
    [
        lambda text: text,
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.rstrip(b"\n"),
        lambda text: b"\n" + text.replace(b"\n", b"\n\n") + b"\n  \n",
        lambda text: text.replace(b",", b";"),
        lambda text: text.replace(b",", b";").replace(b".", b","),
        lambda text: text.replace(b",", b"\t"),
        lambda text: b'"' + text.replace(b",", b'","').replace(b"\n", b'"\n"')[:-1],
        lambda text: text.replace(b" ", b"  "),
        lambda text: text.replace(b" ", b".0 "),
        lambda text: text.replace(b"\n", b" \n").replace(b",", b" , "),
        lambda text: text.replace(b" 7 ", b" 007 "),
    ],
    ids=[
        "Kaggle's",
        "byte order mark",
        "CRLF",
        "no line end at the end",
        "empty lines",
        "semicolons",
        "decimal commas",
        "tabs",
        "quotes",
        "two spaces",
        "whole numbers with decimals",
        "spaces around separators",
        "leading zeros",
    ],
)
def test_ways_of_writing_the_same(rewrite, test):
    text = ("\n".join(TEST if test else TRAINING) + "\n").encode()
    check(parsed(rewrite(text), test=test), test=test)


def test_pixels_of_one_to_three_digits():
    # None so great that a digit taken from a neighbour would show as beyond 255.
    values = [0, 1, 2, 10, 11, 12, 20, 21, 22, 100, 101, 110, 111, 112, 121, 122]
    images = np.random.default_rng(0).choice(values, (4, 9216))
    table = parsed(kaggle_tables.test_lines(images), test=True)
    np.testing.assert_array_equal(table.images, images)


def test_columns_in_any_order():
    rng = np.random.default_rng(0)
    order = rng.permutation(len(COLUMNS) + 1)
    lines = [",".join(np.array(cells(line))[order]) for line in TRAINING]
    table = parsed(lines)
    assert table.columns == COLUMNS
    check(table)


@pytest.mark.parametrize("blank", ["NA", "nan", "NULL", " "])
def test_ways_of_writing_a_missing_value(blank):
    lines = [TRAINING[0]]
    for line in TRAINING[1:]:
        lines.append(",".join(cell or blank for cell in cells(line)))
    assert np.isnan(LABELS).any()
    check(parsed(lines))


def test_a_column_without_any_value():
    lines = [TRAINING[0]]
    lines += [",".join(["", *cells(line)[1:]]) for line in TRAINING[1:]]
    table = parsed(lines)
    assert np.isnan(table.labels[:, 0]).all()
    np.testing.assert_array_equal(table.labels[:, 1:], LABELS[:, 1:])


def test_coordinates_on_the_border_and_without_decimals():
    lines = [TRAINING[0]]
    lines += [",".join(["0", "96", *cells(line)[2:]]) for line in TRAINING[1:]]
    assert parsed(lines).labels[:, :2].tolist() == [[0, 96]] * 5


def edit(row, column, text):
    """Return the training set with another text in one cell (row 0: the header)."""
    lines = list(TRAINING)
    changed = cells(lines[row])
    changed[[*COLUMNS, "Image"].index(column)] = text
    lines[row] = ",".join(changed)
    return lines


def pixel(position, text):
    """Return the training set with another text for one pixel of its third image."""
    image = cells(TRAINING[3])[-1].split(" ")
    image[position] = text
    return edit(3, "Image", " ".join(image))


def without(*columns):
    keep = [i for i, name in enumerate(cells(TRAINING[0])) if name not in columns]
    return [",".join(np.array(cells(line))[keep]) for line in TRAINING]


CUT = ("\n".join(TRAINING[:4]) + "\n").encode()
LAST = len(TRAINING[3])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # the file as a whole
        (b"", "some.csv is empty; download it again"),
        (b"\n\r\n", "some.csv is empty"),
        (TRAINING[:1], "holds a header, but no rows"),
        ("\n".join(TRAINING).encode("utf-16"), "not plain text"),
        (bytes(5000), "not plain text"),
        (b"<!DOCTYPE html>\n<html>\n", "answer of a web site: log in to Kaggle"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html>\n<html>\n", "answer of a web site"),
        (
            gzip.compress(b"a" * 100, mtime=0),
            "some.csv is compressed by gzip; uncompress it",
        ),
        (b'{"code": 403, "message": "Forbidden"}', "answer of a web site"),
        ("\r".join(TRAINING).encode(), "ends its lines with CR alone"),
        (TRAINING[1:], "line 1: column 1 is called '"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(1, 256)) * 9, "line 1: column 1 is called"),
        # the header
        (without("nose_tip_x"), "line 1: there is no column 'nose_tip_x'$"),
        (without("nose_tip_x", "Image"), "no column 'nose_tip_x' .nor 1 more"),
        (without("Image"), "line 1: there is no column 'Image'$"),
        (edit(0, "nose_tip_x", "nose_tipx"), "column 21 .*'nose_tipx'.*'nose_tip_x'"),
        (edit(0, "Image", "image"), "line 1: column 31 .*'image'.*mean 'Image'"),
        (edit(0, "nose_tip_x", "nose_tip_y"), "line 1: column 'nose_tip_y' .* twice"),
        ([f"{i}," + line for i, line in enumerate(TRAINING)], "column 1 is called '0'"),
        # rows
        ([*TRAINING[:2], "1,2", *TRAINING[2:]], "line 3: 2 values for 31 columns$"),
        ([TRAINING[0], "", TRAINING[1] + ","], "line 3: 32 values for 31 columns$"),
        (CUT[: -LAST - 1 + 40], "line 4: . values for 31 columns; .* cut off here"),
        (CUT[:-1000], "line 4, column Image: 8,.* pixels where 9,216 .* cut off here"),
        # images
        (edit(2, "Image", ""), "line 3, column Image: 0 pixels where 9,216"),
        (edit(2, "Image", "1 " * 9215), "line 3, column Image: 9,215 pixels"),
        (edit(2, "Image", "1 " * 9217), "line 3, column Image: 9,217 pixels"),
        (edit(2, "Image", "1 " * 9214 + " 1"), "line 3, column Image: 9,215 pixels"),
        (edit(2, "Image", "1 " * 9214 + "1-1"), "line 3, column Image: 9,215 pixels"),
        (edit(2, "Image", "1 " * 9215 + "1-1"), "pixel 9,216, '1-1', is not a number"),
        (edit(2, "Image", "12" * 9216), "line 3, column Image: 1 pixel "),
        (pixel(0, "256"), "line 4, column Image: pixel 1, '256', is outside 0 to 255"),
        (pixel(0, "1000"), "pixel 1, '1000', is outside"),
        (pixel(9215, "1000"), "pixel 9,216, '1000', is outside"),
        (pixel(77, "65537"), "pixel 78, '65537', is outside"),
        (pixel(77, "9" * 30), "pixel 78, '99999.*99999', is outside"),
        (pixel(77, "255.5"), "pixel 78, '255.5', is outside"),
        (pixel(77, "-1"), "pixel 78, '-1', is outside"),
        (pixel(77, "inf"), "pixel 78, 'inf', is outside"),
        (pixel(77, "nan"), "pixel 78, 'nan', is not a number"),
        (pixel(77, "None"), "pixel 78, 'None', is not a number"),
        (pixel(77, "True"), "pixel 78, 'True', is not a number"),
        (pixel(77, "1o"), "pixel 78, '1o', is not a number"),
        (pixel(77, "1\0"), r"pixel 78, '1\\x00', is not a number"),
        (pixel(77, "٣x"), "pixel 78, '٣x', is not a number"),
        # coordinates
        (edit(2, "nose_tip_y", "96.001"), "line 3, column nose_tip_y: 96.001 is outs"),
        (edit(4, "nose_tip_x", "-0.5"), "line 5, column nose_tip_x: -0.5 is outside"),
        (edit(4, "nose_tip_x", "inf"), "line 5, column nose_tip_x: inf is outside"),
        (edit(4, "nose_tip_x", "9" * 30), "line 5, column nose_tip_x: 1e.30 is outs"),
        (
            edit(5, "nose_tip_x", "4o.2"),
            "line 6, column nose_tip_x: '4o.2' is not a num",
        ),
        (
            "\n".join(edit(5, "nose_tip_x", "4µ")).encode("latin-1"),
            "line 6.*'4µ' is no",
        ),
        (
            edit(5, "nose_tip_x", "4\0"),
            "line 6, column nose_tip_x: '4.*' is not a number",
        ),
        (
            edit(5, "nose_tip_x", '4"2'),
            "line 6, column nose_tip_x: '4\"2' is not a numb",
        ),
        (
            [TRAINING[0], *(",".join(["True", *cells(s)[1:]]) for s in TRAINING[1:])],
            "line 2, column left_eye_center_x: 'True' is not a number",
        ),
        (edit(2, "nose_tip_y", "4\r2"), "line 3: there is a CR within the line"),
        # line numbers count every line
        ([*TRAINING[:2], "", *pixel(5, "x")[2:]], "line 5, column Image: pixel 6, 'x'"),
    ],
)
def test_faults_of_a_training_set(text, message):
    with pytest.raises(DataError, match=message) as caught:
        parsed(text)
    assert str(caught.value).startswith("some.csv")
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TRAINING, "column 1 is called 'left_eye_center_x'.* columns ImageId, Image$"),
        (["Image", "1 2"], "line 1: there is no column 'ImageId'"),
        ([TEST[0], "," + cells(TEST[1])[1]], "line 2, column ImageId: the value is mi"),
        (
            [*TEST[:2], "1.5," + cells(TEST[1])[1]],
            "line 3, column ImageId: 1.5 is not a",
        ),
        ([*TEST[:2], "1e300," + cells(TEST[1])[1]], "ImageId: 1e.300 is too large"),
        ([*TEST[:2], f"{2**53}," + cells(TEST[1])[1]], "ImageId: .* is too large"),
        (
            [*TEST[:2], "x," + cells(TEST[1])[1]],
            "line 3, column ImageId: 'x' is not a nu",
        ),
        ([*TEST, TEST[2]], "line 7, column ImageId: 2 appears twice$"),
    ],
)
def test_faults_of_a_test_set(text, message):
    with pytest.raises(DataError, match=message):
        parsed(text, test=True)
