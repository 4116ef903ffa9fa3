"""``python -m kfkd.doctor``, on this installation and on others that are at fault."""

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from kfkd import faces
from kfkd.doctor import cuda, packages, places, report, trial
from kfkd.doctor.finding import Finding, show

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def doctor(work, tmp_path):
    """Run it; return its status and its report, by subject: (state, all its text)."""

    def doctor(**variables):
        settings = "THEANO_FLAGS", "JAX_COMPILATION_CACHE_DIR"
        environment = {k: v for k, v in os.environ.items() if k not in settings}
        environment |= {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
        done = subprocess.run(
            [sys.executable, "-m", "kfkd.doctor"],
            env=environment | variables,
            capture_output=True,
            text=True,
        )
        assert not done.stderr
        found = {}
        for line in done.stdout.splitlines()[2:-2]:
            if head := re.match(r"  (ok|WRONG) +(\S+( \S+)?)  +", f"{line}  "):
                subject = head[2]
                found.setdefault(subject, []).append(head[1])
            found[subject].append(line.strip())
        return done.returncode, {
            name: ("WRONG" if "WRONG" in lines else "ok", " ".join(lines))
            for name, lines in found.items()
        }

    return doctor


def distribution(folder, name, version):
    """Make it seem that a distribution is installed in a folder."""
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir()
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (metadata / "METADATA").write_text(text)


@pytest.mark.process
@pytest.mark.slow
def test_a_sound_installation(doctor):
    status, found = doctor(KFKD_DEVICE="cpu")
    assert {state for state, _ in found.values()} == {"ok"}, found
    assert status == 0
    assert [*found] == [
        *["Python", "stack", "packages", "data", "tables", "programs"],
        *["import", "settings", "device", "net1", "conv net", "CUDA"],
    ]
    assert "theano-pymc 1.1.2, lasagne 0.1, nolearn 0.6.1" in found["stack"][1]
    assert "KFKD_DEVICE=cpu" in found["device"][1]
    assert "agrees with Theano" in found["conv net"][1]


@pytest.mark.process
def test_where_the_stack_does_not_import(doctor, tmp_path):
    distribution(tmp_path, "lasagne", "0.2")
    status, found = doctor()
    assert status == 1
    # Said once, and not again by what does not import for it.
    assert [name for name, (state, _) in found.items() if state == "WRONG"] == ["stack"]
    assert "-> Fix it with: cd " in found["stack"][1]
    assert " python -m pip install --force-reinstall --no" in found["stack"][1]
    assert "but 0.2 is installed" in found["stack"][1]


@pytest.mark.process
def test_where_jax_is_broken_and_the_cache_is_a_file(doctor, tmp_path):
    (tmp_path / "jax.py").write_text("raise ImportError('libfoo.so: no such file')")
    (tmp_path / "cache").write_text("")
    status, found = doctor()
    assert status == 1
    assert "libfoo.so: no such file" in found["import"][1]
    assert "--force-reinstall" in found["import"][1]
    assert found["tables"][0] == found["programs"][0] == "WRONG"
    assert f"-> Make {tmp_path / 'cache'} a folder that can be" in found["tables"][1]
    assert found["packages"][0] == found["CUDA"][0] == "ok"


@pytest.mark.process
def test_where_python_leaves_out_docstrings(doctor):
    status, found = doctor(PYTHONOPTIMIZE="2")
    assert status == 1
    assert [name for name, (state, _) in found.items() if state == "WRONG"] == ["stack"]
    assert "-> Run it without -OO, and with PYTHONOPTIMIZE unset" in found["stack"][1]


@pytest.mark.process
def test_where_jax_does_not_take_a_setting(doctor):
    status, found = doctor(JAX_ENABLE_X64="garbage")
    assert status == 1
    assert found["import"][0] == "WRONG"
    assert found["import"][1].endswith("-> Change or unset JAX_ENABLE_X64")


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(jax.default_backend() != "cpu", reason="there is a GPU")
def test_a_gpu_that_is_asked_for_and_not_there(doctor):
    status, found = doctor(KFKD_DEVICE="cuda")
    assert status == 1
    assert "but JAX finds no CUDA GPU -> Check the driver" in found["device"][1]
    assert "net1" not in found


@pytest.mark.process
def test_a_crash_is_a_finding(monkeypatch):
    code = "print('{\"gpus\": 1}', flush=True); import os; os.abort()"
    monkeypatch.setattr(report, "_TRIAL", code)
    *_, last = report.examine()
    assert (last.subject, last.text) == ("steps", "ended by SIGABRT")
    assert last.fix


@pytest.fixture
def install(monkeypatch):
    """Make it seem that kfkd requires packages, and that versions are installed."""
    find = importlib.metadata.version

    def install(required=None, **versions):
        def version(name):
            if name in versions and versions[name] is None:
                raise importlib.metadata.PackageNotFoundError(name)
            return versions.get(name) or find(name)

        monkeypatch.setattr(importlib.metadata, "version", version)
        if required is not None:
            monkeypatch.setattr(importlib.metadata, "requires", lambda name: required)

    return install


def test_packages_that_are_missing_or_others(install):
    required = ["tabulate<0.11,>=0.10", "numpy<2.6,>=2.4", "tqdm<5,>=4.70.0"]
    required += ["pillow>=13", "lasagne==0.1", "theano @ file:///x"]
    required += ["theano==1.1.2+kfkd", 'y>1; extra == "z"']
    versions = {"tabulate": None, "numpy": "2.60", "tqdm": "4.70", "pillow": "12.9.1"}
    install(required, theano=None, **versions)
    found = [*packages.find_packages()]
    wrong = {finding.subject: finding for finding in found if finding.fix}
    assert [*wrong] == ["tabulate", "numpy", "pillow"]
    assert "not installed" in wrong["tabulate"].text
    assert wrong["numpy"].text.startswith("2.60 is installed")
    assert wrong["numpy"].fix == '`python -m pip install "numpy<2.6,>=2.4"`'
    # What is wrong is not among what is well.
    (well,) = (finding.text for finding in found if finding.subject == "packages")
    assert well.startswith("scipy")
    assert well.endswith(", and 1 other")  # tqdm


def test_versions_are_compared_as_pip_does(install):
    required = ["numpy>=2.9", "tqdm<5", "scipy~=1.14", "pillow!=12"]
    install(required, numpy="2.10.1", tqdm="5.0rc1", scipy="1.15", pillow="12.0")
    wrong = [finding.subject for finding in packages.find_packages() if finding.fix]
    assert wrong == ["tqdm", "pillow"]


def test_without_packaging_what_is_missing_is_still_told(install, monkeypatch):
    install(["tqdm>=4.66", "numpy<1"], tqdm=None)
    monkeypatch.setitem(sys.modules, "packaging.specifiers", None)
    wrong = {f.subject: f for f in packages.find_packages() if f.fix}
    assert [*wrong] == ["packaging", "tqdm"]
    assert wrong["packaging"].fix == "`python -m pip install packaging`"


def test_what_is_missing_of_the_stack_is_not_called_well(install):
    install(lasagne=None)
    well, wrong, *_ = packages.find_packages()
    assert (well.text, well.fix) == ("theano-pymc\u00a01.1.2, nolearn\u00a00.6.1", "")
    assert wrong.text == "kfkd needs lasagne 0.1, which is not installed"
    assert wrong.fix


def test_pythons_that_are_too_old_or_new(monkeypatch):
    assert not packages.find_python().fix
    monkeypatch.setattr(packages, "_PYTHONS", ((3, 11), (3, 15)))
    for version in (3, 10, 9), (3, 16, 0):
        monkeypatch.setattr(sys, "version_info", version)
        assert "Use Python 3.11 to 3.15: " in packages.find_python().fix


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Put one onto the PATH that prints a text and ends with a status."""

    def nvidia_smi(text, status=0):
        path = tmp_path / "nvidia-smi"
        path.write_text(f"#!/bin/sh\necho '{text}'\nexit {status}\n")
        path.chmod(0o755)

    for name in ("KFKD_DEVICE", "JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(cuda, "_PLUGINS", ("kfkd-test-plugin",))
    monkeypatch.syspath_prepend(tmp_path)
    nvidia_smi("NVIDIA-SMI has failed", 9)
    return nvidia_smi


def test_cuda_that_is_not_installed(nvidia_smi):
    assert cuda.find_cuda(0).text.endswith("and there is no driver")
    nvidia_smi("NVIDIA H100, 575.57")
    found = cuda.find_cuda(0)
    assert "for NVIDIA H100 with driver 575.57: `" in found.text
    assert "python -m pip install" in found.text
    assert not found.fix


def test_cuda_without_a_gpu(nvidia_smi, tmp_path, monkeypatch):
    distribution(tmp_path, "kfkd-test-plugin", packages.version("jaxlib"))
    assert "Install NVIDIA's driver" in cuda.find_cuda(0).fix
    assert not cuda.find_cuda(None).fix  # something else is wrong
    nvidia_smi("NVIDIA H100, 470.1")
    found = cuda.find_cuda(0)
    assert "driver 470.1; JAX finds no GPU" in found.text
    assert "525 or newer" in found.fix
    assert not cuda.find_cuda(1).fix
    monkeypatch.setenv("KFKD_DEVICE", "cpu")
    found = cuda.find_cuda(0)
    assert "not used: KFKD_DEVICE=cpu" in found.text
    assert not found.fix


def test_cuda_for_another_jaxlib(nvidia_smi, tmp_path):
    distribution(tmp_path, "kfkd-test-plugin", "0.1")
    found = cuda.find_cuda(1)
    assert f"but jaxlib {packages.version('jaxlib')}" in found.text
    assert "requirements-cuda.txt" in found.fix


def test_data(work, monkeypatch):
    assert "drawn faces" in places.find_data().text
    (work / "data").mkdir()
    (work / "data" / "training.csv").write_text("")
    assert places.find_data().text == "data/training.csv"
    faces.make("drawn", n_train=1, n_test=1)
    monkeypatch.setenv("KFKD_DATA", "drawn")
    assert places.find_data().text == "drawn faces, drawn/training.csv"
    monkeypatch.setenv("KFKD_DATA", "elsewhere")
    found = places.find_data()
    assert found.text.startswith("there is no folder elsewhere")
    assert "KFKD_DATA" in found.fix


def test_caches(work, tmp_path, monkeypatch):
    found = [*places.find_caches()]
    assert not any(finding.fix for finding in found)
    assert not (tmp_path / "cache").exists()  # nothing is made by looking
    (work / "programs").mkdir()
    (work / "programs" / "one").write_bytes(bytes(1_500_000))
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "programs")
    _, found = places.find_caches()
    assert found.text == "programs, 1.5 MB in 1 file, can be written"
    monkeypatch.setattr(places, "cache_folder", lambda name: None)
    found, _ = places.find_caches()
    assert "XDG_CACHE_HOME" in found.fix


def test_results_that_are_not_theanos(monkeypatch):
    def train(batch, build, mode):
        return [results[mode]], 0.001

    results = {"xla": 1 + trial.np.full(3, 1e-3), "FAST_COMPILE": trial.np.ones(3)}
    monkeypatch.setattr(trial, "_train", train)
    monkeypatch.setattr(trial.xla, "set_precision", lambda name: None)
    found = trial.find_step("net1", 1, None)
    assert "off from Theano itself by 0.001" in found.text
    assert found.fix
    del results["xla"]
    assert "KeyError" in trial.find_step("net1", 1, None).text


def test_the_users_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("THEANORC", "")
    monkeypatch.setenv("THEANO_FLAGS", "")
    assert not trial.find_settings().fix
    monkeypatch.setenv("THEANO_FLAGS", "floatX=float64,mode=xla")
    found = trial.find_settings()
    assert found.text == "floatX=float64, mode=xla in THEANO_FLAGS"
    assert not found.fix
    rc = tmp_path / "theanorc"
    rc.write_text("[global]\nmode = FAST_RUN\n")
    monkeypatch.setenv("THEANORC", str(rc))
    monkeypatch.setenv("THEANO_FLAGS", "floatX=float64")
    found = trial.find_settings()
    assert found.text.startswith(f"mode=FAST_RUN in {rc}; floatX=float64 in THEANO_FL")
    assert found.fix == f"Take `mode` out of {rc}"


@pytest.mark.parametrize(
    ("columns", "width"), [(None, 88), ("70", 70), ("200", 88), ("20", 56)]
)
def test_lines_are_as_wide_as_the_terminal(monkeypatch, columns, width):
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    lines = show(Finding("data", "a word " * 20, "do it " * 40)).splitlines()
    assert lines[0].startswith("  WRONG data          a word")
    assert re.match(" {22}[aw]", lines[1])
    (first,) = (i for i, line in enumerate(lines) if "->" in line)
    assert lines[first].startswith(" " * 22 + "-> do it do it")
    assert re.match(" {25}(do|it) ", lines[-1])
    assert width - 6 < max(map(len, lines)) <= width


def test_a_command_stays_on_one_line_to_be_copied(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    command = "python -m pip install " + "--option " * 9 + "kfkd"
    for fix in (f"`{command}`", f"Fix it with: `{command}`"):
        *_, last = show(Finding("stack", "it is gone", fix)).splitlines()
        assert last.removeprefix(" " * 22 + "-> ").strip() == command
    lines = show(Finding("settings", "wrong", "Take `mode` out " + "now " * 20))
    assert "-> Take `mode` out now" in lines


def test_files_that_hide_a_package(work, monkeypatch):
    assert [*packages.find_namesakes()] == []
    (work / "kfkd.py").touch()
    (work / "lasagne").mkdir()
    (work / "nolearn").mkdir()
    (work / "nolearn" / "__init__.py").touch()
    (found,) = packages.find_namesakes()
    assert found.text.startswith("Python takes kfkd.py and nolearn/__init__.py in this")
    assert "kfkd run SCRIPT" in found.fix
    monkeypatch.chdir(ROOT)  # where the folder kfkd/ is the package
    assert [*packages.find_namesakes()] == []


@pytest.mark.process
def test_the_trial_does_not_import_what_is_in_the_folder(work, monkeypatch):
    for name in ("kfkd", "json", "theano"):
        (work / f"{name}.py").write_text("raise SystemExit('in the folder')")
    trial = report._TRIAL.replace("main()", "print('{}')")
    assert trial != report._TRIAL
    monkeypatch.setattr(report, "_TRIAL", trial)
    assert report._try() == ([{}], "")


@pytest.mark.parametrize("subject", ["scikit-learn", "a-package-with-a-long-name"])
def test_a_long_subject_is_apart_from_its_text(subject):
    assert f"  WRONG {subject} " in show(Finding(subject, "kfkd needs it", "Install"))
