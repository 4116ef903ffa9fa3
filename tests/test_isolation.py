"""The tests leave the user's folders and settings alone."""

import os
from pathlib import Path

import jax
import matplotlib
import pytest
import theano

from kfkd.files.cache_folder import cache_folder
from tests.helpers import isolation


@pytest.mark.parametrize(
    "find",
    [
        lambda: jax.config.jax_compilation_cache_dir,
        lambda: theano.config.base_compiledir,
        lambda: cache_folder("tables"),
        matplotlib.get_configdir,
        Path.home,
    ],
)
def test_folders_are_not_the_users(find):
    assert Path(find()).is_relative_to(isolation.home.name)


def test_settings_are_not_the_users():
    assert theano.config.floatX == "float32"
    theirs = {name for name in os.environ if name.startswith(("KFKD_", "THEANO"))}
    assert theirs <= isolation.OPTIONS
