"""Wrong arguments of functions that share a check."""

import os
import pathlib

import numpy as np
import pytest

from kfkd import data, faces, plots, reproduction, storage
from kfkd.callbacks.checkpoint import Checkpoint
from kfkd.errors import ArgumentError
from kfkd.prediction import image_files, scoring
from tests.helpers import stubs

# Functions of a path, with what they call it.
OF_PATHS = [
    (storage.load, "path"),
    (storage.load_params, "path"),
    (storage.check_readable, "path"),
    (storage.check_writable, "path"),
    (storage.make_folder, "path"),
    (storage.similar, "path"),
    (storage.stem, "path"),
    (lambda path: storage.save([], path), "path"),
    (lambda path: storage.written_atomically(path).__enter__(), "path"),
    (lambda folder: data.load(folder=folder), "folder"),
    (lambda folder: data.find("test", folder), "folder"),
    (data.fingerprint, "path"),
    (lambda path: data.open_csv(path, "test").__enter__(), "path"),
    (lambda path: data.read_csv(path, "test", print), "path"),
    (faces.make, "folder"),
    (faces.is_drawn, "path"),
    (image_files.open_image, "path"),
    (scoring.read_labels, "path"),
    (plots.check_format, "path"),
    (Checkpoint, "path"),
    (Checkpoint.beside, "out"),
]


@pytest.mark.parametrize(("function", "name"), OF_PATHS)
def test_a_number_is_not_a_path(function, name):
    reading, writing = os.pipe()  # which open() would take for a file
    for number in (reading, True):
        message = rf"^{name} is {number}; it must be a path: a str or a pathlib.Path$"
        with pytest.raises(ArgumentError, match=message):
            function(number)
    os.close(reading)
    os.close(writing)


def test_no_path_at_all():
    for path in ("", None):
        message = f"^path is {path!r}; it must be a path: a str or a pathlib.Path$"
        with pytest.raises(ArgumentError, match=message):
            storage.load(path)


@pytest.mark.parametrize(("function", "name"), OF_PATHS)
@pytest.mark.parametrize("kind", [str, pathlib.Path])
def test_a_path_with_a_character_that_none_may_have(function, name, kind):
    message = rf"^{name} is 'a\\x00\.npz', with a NUL character$"
    with pytest.raises(ArgumentError, match=message):
        function(kind("a\0.npz"))


@pytest.mark.parametrize("function", [storage.save, plots.save_figure])
def test_a_path_in_the_place_of_what_is_to_be_saved(function):
    message = "^path is 5; it must be a path: .*. It is swapped with 'a.png'$"
    with pytest.raises(ArgumentError, match=message):
        function("a.png", 5)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (data.to_pixels, "y"),
        (data.from_pixels, "pixels"),
        (data.scale_images, "images"),
        (lambda y: scoring.evaluate(stubs.Linear(), np.zeros((1, 9216), "f4"), y), "y"),
    ],
)
@pytest.mark.parametrize("value", ["a", None, [[1], [2, 3]], ["1"], 1j])
def test_what_is_not_an_array_of_numbers(function, name, value):
    with pytest.raises(ArgumentError, match=f"^{name} is .*an array of numbers"):
        function(value)


def test_settings_of_a_reproduction():
    with pytest.raises(ArgumentError, match="settings is 5; it must be a Settings"):
        reproduction.run(5, "out")
