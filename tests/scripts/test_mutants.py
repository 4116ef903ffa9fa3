"""scripts/mutants.py, on a small project of its own."""

import ast
import importlib.util
import subprocess
from pathlib import Path

import pytest

from tests.helpers import mistakes

ROOT = Path(__file__).resolve().parents[2]

SOURCE = '''\
"""Two functions."""


def area(width: int, height: int = 2) -> int:
    """Return a product."""
    if width < 0:
        raise ValueError(f"{width - 1} is negative")
    return width * height


def perimeter(width, height):
    return 2 * (width + height)
'''
TEST = """\
import pytest
from kfkd import shapes
from kfkd.shapes import area


def test_area():
    assert area(3, 5) == 15
    with pytest.raises(ValueError, match="negative"):
        area(-1, 1)
"""
MORE = """

def test_perimeter():
    assert shapes.perimeter(3, 5) == 16
"""


@pytest.fixture
def script():
    path = ROOT / "scripts" / "mutants.py"
    spec = importlib.util.spec_from_file_location("mutants", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(script, tmp_path, monkeypatch):
    """A project with Git, a module and its test."""
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "RESULTS", tmp_path / "build" / "tried.jsonl")
    monkeypatch.setattr(script, "EQUIVALENT", tmp_path / "equivalent.txt")
    for name, text in {
        "kfkd/__init__.py": "",
        "kfkd/shapes.py": SOURCE,
        "tests/test_shapes.py": TEST,
        "equivalent.txt": "# why\n",
        ".gitignore": "build\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    return tmp_path


def test_mistakes():
    found = mistakes.find("kfkd/shapes.py", SOURCE)
    assert [str(m).removeprefix("kfkd/shapes.py:") for m in found] == [
        "area: 2 -> 3",
        "area: width < 0 -> (width <= 0)",
        "area: 0 -> 1",
        'area: raise ValueError(f"{width - 1} is negative") -> pass',
        "area: return width * height -> return None",
        "area: width * height -> (width / height)",
        "perimeter: return 2 * (width + height) -> return None",
        "perimeter: 2 * (width + height) -> (2 / (width + height))",
        "perimeter: 2 -> 3",
        "perimeter: width + height -> (width - height)",
    ]
    assert [m.line for m in found] == [4, 6, 6, 7, 8, 8, 12, 12, 12, 12]


def test_names_of_mistakes_survive_other_changes():
    before = mistakes.find("a.py", SOURCE)
    after = mistakes.find("a.py", "import os\n\n" + SOURCE)
    assert [str(m) for m in before] == [str(m) for m in after]


@pytest.mark.parametrize("path", ["kfkd/augment.py", "kfkd/xla/ops/pooling.py"])
def test_each_mistake_is_one_change_that_python_reads(path):
    source = (ROOT / path).read_text("utf-8")
    found = mistakes.find(path, source)
    assert len(found) > 50
    assert len({str(m) for m in found}) == len(found)
    right = ast.dump(ast.parse(source))
    for mistake in found:
        assert ast.dump(ast.parse(mistake.apply(source))) != right


@pytest.mark.process
@pytest.mark.slow
def test_a_run(script, project, monkeypatch, capsys):
    def run():
        arguments = [str(project / "kfkd"), "--number", "0"]
        monkeypatch.setattr("sys.argv", ["mutants.py", *arguments])
        script.main()
        head, *lines, room, whole = capsys.readouterr().out.splitlines()
        assert head == "kfkd: 5 of 5"
        assert room.split() == ["kfkd", *whole.removeprefix("in all ").split()]
        return dict(line.rsplit(": ", 1) for line in lines), whole

    (project / "equivalent.txt").write_text(
        "kfkd/shapes.py:area: 2 -> 3  # nobody leaves it out\n"
        "kfkd/shapes.py:area: width < 0 -> (width <= 0)  # an empty area is 0\n"
        "kfkd/shapes.py:area: 0 -> 1  # likewise\n"
        "kfkd/shapes.py:perimeter: 2 -> 3\n"
        "kfkd/shapes.py:perimeter: 2 * (width + height) -> (2 / (width + height))\n"
    )
    found, whole = run()
    noticed = "noticed by tests/test_shapes.py::test_area"
    missed = {
        "kfkd/shapes.py:perimeter: return 2 * (width + height) -> return None",
        "kfkd/shapes.py:perimeter: width + height -> (width - height)",
    }
    assert len(found) == 5
    for mistake, what in found.items():
        assert what == ("NOT NOTICED" if mistake in missed else noticed)
    assert whole == "in all 3 of 5"
    assert (project / "kfkd" / "shapes.py").read_text() == SOURCE
    # What was noticed is not tried again.
    (project / "tests" / "test_shapes.py").write_text(TEST + MORE)
    found, whole = run()
    assert found.keys() == missed
    assert whole == "in all 5 of 5"


@pytest.mark.process
def test_tests_that_fail_without_a_mistake(script, project, monkeypatch):
    (project / "tests" / "test_shapes.py").write_text("def test(): assert False\n")
    monkeypatch.setattr(
        "sys.argv", ["mutants.py", str(project / "kfkd"), "--number", "1"]
    )
    with pytest.raises(SystemExit, match="without mistakes"):
        script.main()


def test_mistakes_of_a_change(script, project, monkeypatch, capsys):
    git = ["git", "-C", str(project), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "first"], check=True)
    changed = SOURCE.replace("width * height", "height * width")
    (project / "kfkd" / "shapes.py").write_text(changed)
    arguments = [str(project / "kfkd"), "--since", "HEAD", "--list"]
    monkeypatch.setattr("sys.argv", ["mutants.py", *arguments])
    script.main()
    assert capsys.readouterr().out.splitlines() == [
        "kfkd: 2 of 2",
        "kfkd/shapes.py:area: return height * width -> return None",
        "kfkd/shapes.py:area: height * width -> (height / width)",
    ]


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("kfkd/xla/ops/pooling.py", "tests/xla/ops/test_pooling.py"),
        ("kfkd/augment.py", "tests/test_augment.py"),
        ("kfkd/stack/theano_graphs.py", "tests/stack/test_theano_graphs.py"),
    ],
)
def test_which_tests_ought_to_notice(script, path, first):
    found = script.tests_of(path)
    assert found[0] == first
    assert len(found) > 5
