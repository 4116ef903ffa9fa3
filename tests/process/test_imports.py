"""A package that cannot be imported is named, with the setting that is to blame."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kfkd.process.imports import blamed_variables, failed_import

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "JAX_ENABLE_X64": ("garbage", "jax"),
    "JAX_NUM_CPU_DEVICES": ("many", "jax"),
    "MPLBACKEND": ("nosuch", "matplotlib"),
}


@pytest.mark.process
@pytest.mark.parametrize("variable", SETTINGS)
def test_a_command_says_which_setting_is_wrong(tmp_path, variable):
    value, package = SETTINGS[variable]
    done = subprocess.run(
        [sys.executable, "-m", "kfkd", "plot", "learning-curves", "no.pickle"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), variable: value},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"kfkd plot: {package} cannot be imported: ")
    assert done.stderr.endswith(f". Change or unset {variable}\n")
    assert done.stderr.count("\n") == 1


def error_of(function):
    with pytest.raises(Exception, match="wrong") as caught:
        function()
    return caught.value


def test_the_package_is_the_one_that_kfkd_imports(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "outer_one.py").write_text("import inner_one")
    (tmp_path / "inner_one.py").write_text("raise ValueError('wrong setting')")
    (tmp_path / "sound_one.py").write_text("def f(): raise ValueError('wrong too')")
    ours = {"__name__": "kfkd.some.module"}
    exec("def load():\n import outer_one\ndef call():\n sound_one.f()", ours)
    ours["sound_one"] = importlib.import_module("sound_one")
    assert failed_import(error_of(ours["load"])) == "outer_one"
    assert failed_import(error_of(ours["call"])) is None

    def of_another_program():
        importlib.import_module("inner_one")

    assert failed_import(error_of(of_another_program)) is None


def test_a_variable_is_blamed_by_its_name_or_its_value(monkeypatch):
    monkeypatch.setenv("JAX_SOME_FLAG", "abc")
    monkeypatch.setenv("MPLSOMETHING", "nosuch")
    assert blamed_variables("Invalid value for flag jax_some_flag") == ["JAX_SOME_FLAG"]
    assert blamed_variables("Key x: 'nosuch' is not valid") == ["MPLSOMETHING"]
    assert blamed_variables("libfoo.so: abc, nosuch file") == []
