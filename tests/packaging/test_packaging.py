"""What the packaging files say: of one another, and of what is installed."""

import base64
import hashlib
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
import types
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import kfkd
from kfkd.doctor import packages

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = ROOT / "packaging" / "theano"
BUILDER = ROOT / "packaging" / "theano-pymc"


def lines(name):
    """The lines of a requirements file that are neither empty nor comments."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def pins(name="requirements.txt"):
    """The requirements in a file that name a distribution, by its name."""
    found = [Requirement(line) for line in lines(name) if line[0] not in "-."]
    return {requirement.name: requirement for requirement in found}


def project():
    """The tables of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def declared(folder=ROOT, command="egg_info"):
    """What setup.py tells setuptools (which need not be installed where tests run)."""
    told = {}
    setuptools = types.ModuleType("setuptools")
    setuptools.setup = lambda **keywords: told.update(keywords)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "setuptools", setuptools)
        patch.setattr(sys, "argv", ["setup.py", command])
        patch.chdir("/")  # it must not matter where it is called from
        runpy.run_path(str(folder / "setup.py"), run_name="__main__")
    return told


@pytest.fixture
def installed():
    """Skip where kfkd was not installed from this folder, as requirements.txt does."""
    found = metadata.distributions(name="kfkd")
    # pip notes where it installed from; setuptools' egg-info here has no such note.
    if not any(distribution.read_text("direct_url.json") for distribution in found):
        pytest.skip("this environment was not made from requirements.txt")


def test_a_checkout_requires_what_requirements_txt_installs():
    required = list(map(Requirement, declared()["install_requires"]))
    folders = [ROOT / line for line in lines("requirements.txt") if line[0] == "."]
    assert {folder.name for folder in folders} == {"theano", "theano-pymc"}
    for folder in folders:
        assert (folder / "pyproject.toml").exists()
    assert {r.name: r.url for r in required if r.url} == {
        folder.name: folder.as_uri() for folder in folders
    }
    assert {r.name: r for r in required if not r.url} == pins()


@pytest.mark.parametrize("step", ["the sdist", "the wheel built from it"])
def test_a_release_requires_names_and_versions_alone(step, tmp_path):
    for path in [ROOT / "setup.py", *ROOT.glob("requirements*.txt")]:
        shutil.copy(path, tmp_path)
    if step == "the sdist":
        required = declared(tmp_path, "sdist")["install_requires"]
    else:
        (tmp_path / "PKG-INFO").touch()
        required = declared(tmp_path)["install_requires"]
    assert {r.name: r for r in map(Requirement, required)} == pins()
    assert {"theano", "theano-pymc"} <= set(pins())


@pytest.mark.parametrize(
    ("extra", "names"),
    [
        ("cuda", ["cuda"]),
        ("demo", ["demo", "photos"]),
        ("onnx", ["onnx"]),
        ("photos", ["photos"]),
        ("test", ["test"]),
    ],
)
def test_extras_are_what_their_files_add(extra, names):
    extras = [Requirement(line) for line in declared()["extras_require"][extra]]
    wanted = {}
    for name in names:
        wanted |= pins(f"requirements-{name}.txt")
    assert {r.name: r for r in extras} == wanted
    assert extras


def test_what_setup_says_is_left_to_it():
    assert set(declared()) == {"install_requires", "extras_require"}
    dynamic = set(project()["project"]["dynamic"])
    assert dynamic == {"version", "dependencies", "optional-dependencies"}


def test_cuda_adds_to_the_range_of_jax():
    assert "-r requirements.txt" in lines("requirements-cuda.txt")
    assert not pins("requirements-cuda.txt")["jax"].specifier  # said in one place


def ours():
    """The requirements of kfkd, and of its extras."""
    found = pins()
    for extra in ("demo", "onnx", "photos"):
        found |= pins(f"requirements-{extra}.txt")
    return found


def test_every_requirement_has_a_lower_and_an_upper_bound():
    for requirement in ours().values():
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators in ({"=="}, {">=", "<"}), requirement


def test_the_oldest_releases_are_the_lower_bounds():
    oldest = pins("requirements-oldest.txt")
    bounds = {
        name: Version(specifier.version)
        for name, requirement in ours().items()
        for specifier in requirement.specifier
        if specifier.operator == ">="
    }
    assert {"numpy", "jax"} <= set(bounds)
    for name, bound in bounds.items():
        (specifier,) = oldest[name].specifier
        assert (specifier.operator, Version(specifier.version)) == ("==", bound)


def test_versions_that_the_stack_demands_are_those_installed_by_the_files():
    from kfkd import stack

    (published,) = (BUILDER / "published.txt").read_text().splitlines()
    source, digest = published.split(" --hash=sha256:")
    assert re.fullmatch("[0-9a-f]{64}", digest)
    stand_in = tomllib.loads((STAND_IN / "pyproject.toml").read_text())["project"]
    assert stand_in["dependencies"] == [source]
    assert str(pins()["theano"].specifier) == f"=={stand_in['version']}"
    assert pins()["theano-pymc"] == Requirement(source)
    pinned = {
        "theano-pymc": str(pins()["theano-pymc"].specifier),
        "lasagne": str(pins()["lasagne"].specifier),
        "nolearn": str(pins()["nolearn"].specifier),
    }
    assert pinned == {name: f"=={found}" for name, found in stack.VERSIONS.items()}


def test_the_same_pythons_are_meant_everywhere():
    """Beside pip and ruff, which read pyproject.toml; venv.sh is tested elsewhere."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    versions = [f"3.{minor}" for minor in range(40)]
    requirement = SpecifierSet(pyproject["project"]["requires-python"])
    allowed = tuple(requirement.filter(versions))
    assert allowed
    check_pythons = runpy.run_path(str(ROOT / "scripts" / "check_pythons.py"))
    assert check_pythons["SUPPORTED"] == allowed
    assert "target-version" not in pyproject["tool"]["ruff"]
    prefix = "Programming Language :: Python :: "
    classifiers = pyproject["project"]["classifiers"]
    named = [c.removeprefix(prefix) for c in classifiers if c.startswith(f"{prefix}3.")]
    assert tuple(named) == allowed
    limits = [(3, int(version[2:])) for version in (allowed[0], allowed[-1])]
    assert [*packages._PYTHONS] == limits
    for name in ("README.md", "docs/old-programs.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        found = re.findall(r"Python (3\.\d+) to (3\.\d+)", text)
        assert {*found} == {(allowed[0], allowed[-1])}, name


def test_every_folder_of_the_package_is_found_and_holds_only_python():
    tool = project()["tool"]["setuptools"]
    assert tool["packages"]["find"]["include"] == ["kfkd", "kfkd.*"]
    files = [p for p in (ROOT / "kfkd").rglob("*") if "__pycache__" not in p.parts]
    for folder in {path.parent for path in files if path.is_file()}:
        assert (folder / "__init__.py").exists(), f"{folder} would not be installed"
    data = tool["package-data"]["kfkd"]
    for path in files:
        relative = path.relative_to(ROOT / "kfkd")
        assert path.is_dir() or path.suffix == ".py" or any(map(relative.match, data))


def test_version_and_licence_are_the_same_everywhere():
    tables = project()
    assert tables["tool"]["setuptools"]["dynamic"]["version"]["attr"] == (
        "kfkd.__version__"
    )
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    cited = dict(re.findall(r"^(version|license): (.+)$", citation, re.MULTILINE))
    assert cited == {
        "version": kfkd.__version__,
        "license": tables["project"]["license"],
    }
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[?([\w.]+)", changes, re.MULTILINE)[1]
    assert newest in ("Unreleased", kfkd.__version__)


def test_the_stand_in_holds_no_module():
    settings = tomllib.loads((STAND_IN / "pyproject.toml").read_text())
    assert settings["project"]["name"] == "Theano"
    assert settings["tool"]["setuptools"] == {"packages": [], "py-modules": []}
    assert not list(STAND_IN.rglob("*.py"))


def test_the_installed_stand_in_holds_no_module(installed):
    files = metadata.files("Theano")
    assert files
    assert all(file.parts[0].endswith(".dist-info") for file in files)


@pytest.mark.parametrize("name", ["theano-pymc", "lasagne", "nolearn"])
def test_the_installed_packages_are_unmodified(name):
    checked = 0
    for file in metadata.files(name):
        if file.hash is not None and file.suffix == ".py":
            digest = hashlib.new(file.hash.mode, file.read_binary()).digest()
            encoded = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            assert encoded == file.hash.value, file
            checked += 1
    assert checked > 10


@pytest.mark.parametrize("name", ["kfkd", "nolearn", "lasagne", "theano-pymc", "jax"])
def test_what_an_installed_package_requires_is_there(installed, name):
    for requirement in map(Requirement, metadata.requires(name)):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            found = metadata.version(requirement.name)
            assert requirement.specifier.contains(found, prereleases=True), requirement


@pytest.mark.process
def test_the_shims_give_the_build_of_theano_what_it_calls():
    # versioneer.get_config_from_root, of Theano-PyMC's versioneer.py, in short.
    code = """if True:
        import configparser, io
        parser = configparser.SafeConfigParser()
        parser.readfp(io.StringIO("[versioneer]\\nvcs = git"))
        print(parser.get("versioneer", "vcs"))
    """
    environment = {**os.environ, "PYTHONPATH": str(BUILDER / "shims")}
    command = [sys.executable, "-W", "error", "-c", code]
    assert subprocess.check_output(command, env=environment, text=True) == "git\n"


def test_the_build_hook_builds_the_published_file(tmp_path, monkeypatch):
    def pip(command, env, check):
        calls.append((command, env, check))
        folder = command[command.index("--wheel-dir") + 1]
        Path(folder, "theano_pymc-1.1.2-py3-none-any.whl").write_bytes(b"wheel")

    calls = []
    monkeypatch.setenv("_PYPROJECT_HOOKS_BACKEND_PATH", "/elsewhere")
    backend = runpy.run_path(str(BUILDER / "backend.py"))
    monkeypatch.setattr(subprocess, "run", pip)
    name = backend["build_wheel"](str(tmp_path))
    assert (tmp_path / name).read_bytes() == b"wheel"
    ((command, environment, check),) = calls
    assert command[:4] == [sys.executable, "-m", "pip", "wheel"]
    assert command[-1] == str(BUILDER / "published.txt")
    assert environment["PYTHONPATH"].startswith(str(BUILDER / "shims"))
    assert "_PYPROJECT_HOOKS_BACKEND_PATH" not in environment
    assert check


@pytest.mark.process
def test_a_folder_with_the_name_of_the_package_is_not_taken_for_it(tmp_path):
    (tmp_path / "kfkd" / "kfkd").mkdir(parents=True)  # as a checkout beside a script
    (tmp_path / "script.py").write_text("import kfkd; print(kfkd.__version__)")
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == (f"{kfkd.__version__}\n", "")
