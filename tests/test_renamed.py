"""Former names of modules, in imports and in pickles."""

import importlib
import pickle

import pytest

import kfkd
from kfkd._renamed import RENAMED
from kfkd.callbacks import Checkpoint
from kfkd.xla.shared_variables import Cell
from tests.helpers.fresh_process import run


@pytest.mark.parametrize("former", RENAMED)
def test_a_former_name_has_all_that_the_module_has(former):
    module = importlib.import_module(RENAMED[former])
    renamed = importlib.import_module(former)
    assert module.__all__
    for name in module.__all__:
        assert getattr(renamed, name) is getattr(module, name)
    with pytest.raises(AttributeError):
        renamed.no_such_name  # noqa: B018


def test_former_names_are_attributes_of_the_package():
    from kfkd import scoring

    assert scoring is kfkd.scoring is kfkd.prediction.scoring


@pytest.mark.parametrize(
    ("name", "thing"),
    [("kfkd.checkpoints Checkpoint", Checkpoint), ("kfkd.xla.storage Cell", Cell)],
)
def test_pickles_by_former_names_are_loaded(name, thing):
    pickled = f"c{name.replace(' ', chr(10))}{chr(10)}.".encode()
    assert pickle.loads(pickled) is thing


@pytest.mark.process
def test_a_former_name_is_imported_when_something_in_it_is_used(tmp_path):
    code = """if True:
        import sys, kfkd, kfkd.submission
        assert not hasattr(sys.modules["kfkd.submission"], "__path__")
        assert "numpy" not in sys.modules
        print(kfkd.submission.submit.__module__)
    """
    assert run(code, tmp_path) == "kfkd.prediction.submission\n"
