"""All code blocks of the Markdown pages are true: Python runs, commands are accepted.

Commands are taken as far as their parsers; what they do is tested elsewhere.
"""

import argparse
import ast
import functools
import importlib
import pkgutil
import re
import runpy
import shlex
import shutil
import subprocess
import sys

import pytest

import kfkd.cli
from tests.helpers import code_blocks
from tests.helpers.code_blocks import PAGES, ROOT

TUTORIAL = ROOT / "docs" / "tutorial-today.md"  # has tests of its own

PYTHON = code_blocks.of("python")
COMMANDS = code_blocks.of("sh")

# Not ours, and so not checked.
FOREIGN = (".", "cd", "git", "kaggle", "pip", "uv", "venv")


def name(page):
    return page.relative_to(ROOT).as_posix()


def test_pages_are_found():
    known = {"README.md", "docs/old-programs.md", "data/README.md"}
    assert known <= {name(page) for page in PAGES}
    assert len(PYTHON) > 20
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_says_what_it_is(page):
    for block in code_blocks.read(page):
        assert block.language in ("python", "sh", "text"), block


# Python


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_imports_work(block):
    imports = (ast.Import, ast.ImportFrom)
    tree = ast.parse(block.code)
    tree.body = [node for node in ast.walk(tree) if isinstance(node, imports)]
    exec(compile(tree, str(block), "exec"), {})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Sending large graph")  # Dask, of a net's weights
@pytest.mark.parametrize(
    "page", sorted({block.page for block in PYTHON} - {TUTORIAL}), ids=name
)
def test_python_runs_from_top_to_bottom(page, work, monkeypatch):
    blocks = [block for block in code_blocks.read(page) if block.language == "python"]
    code_blocks.save_nets(blocks)
    module = code_blocks.new_module(page, monkeypatch)
    with code_blocks.scaled_down():
        for block in blocks:
            code_blocks.run(block, module)


# Commands


class Accepted(BaseException):
    """A command has got as far as its parser, which takes its arguments."""


@pytest.fixture
def accept(work, monkeypatch):
    """Call a function with a command line; end it when the arguments are parsed."""
    ours = []

    def accepted(*args, **kwargs):
        raise Accepted

    def stop_after(parse_args):
        @functools.wraps(parse_args)
        def stopping(*args, **kwargs):
            ours.append(parse_args)  # which checks more than argparse does
            parse_args(*args, **kwargs)
            raise Accepted

        return stopping

    argparse_parse_args = argparse.ArgumentParser.parse_args

    def parse_args(*args, **kwargs):
        found = argparse_parse_args(*args, **kwargs)
        if not ours:
            raise Accepted
        return found

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
    for info in pkgutil.iter_modules(kfkd.cli.__path__, "kfkd.cli."):
        module = importlib.import_module(info.name)
        if hasattr(module, "parse_args"):
            monkeypatch.setattr(module, "parse_args", stop_after(module.parse_args))
    for name in ("run_code", "run_module", "run_script"):
        monkeypatch.setattr(f"kfkd.stack.scripts.{name}", accepted)

    def accept(function, argv):
        ours.clear()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", argv)
            patch.setattr(subprocess, "run", run)
            with pytest.raises(Accepted):
                function()

    def run(command, **_):  # what a script hands its arguments on to
        check(["python", *command[1:]], accept, monkeypatch)
        raise Accepted

    return accept


def split(code):
    """Return the commands of a block, each as a list of words."""
    commands = []
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            command, words = words[:end], words[end + 1 :]
            while re.match(r"[A-Z_]+=", command[0]):  # a variable
                command = command[1:]
            commands.append(command)
    return commands


def check(command, accept, monkeypatch):
    """Check a command, which must be known."""
    if "-r" in command:
        assert (ROOT / command[command.index("-r") + 1]).is_file()
    match command:
        case ["make", *arguments]:
            check_make(arguments)
        case ["kfkd", *arguments]:
            check(["python", "-m", "kfkd", *arguments], accept, monkeypatch)
        case ["python" | "python3", "-m", module, *arguments] if module not in FOREIGN:
            main = importlib.import_module(f"{module}.__main__").main
            accept(main, [module, *arguments])
        case ["python", path, *arguments] if path.endswith(".py"):
            script = ROOT / path
            monkeypatch.syspath_prepend(script.parent)
            run = functools.partial(runpy.run_path, str(script), run_name="__main__")
            accept(run, [path, *arguments])
        case ["python" | "python3", "-m", program, *_] | [program, *_]:
            assert program in FOREIGN, f"what is {shlex.join(command)}?"


def check_make(arguments):
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    dry = ["make", "--dry-run", *arguments]
    found = subprocess.run(dry, cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("block", COMMANDS, ids=str)
def test_commands_are_accepted(block, accept, monkeypatch):
    for command in split(block.code):
        check(command, accept, monkeypatch)


@pytest.mark.parametrize(
    "line",
    [
        "make trian",
        "python scripts/train.py net66",
        "python scripts/train.py net6 --synthetic --data here",  # checked by ourselves
        "python -m kfkd fti",
        "python -m kfkd.doctor --all",
        "python benchmarks/startup.py --nets net1",
        "python benchmarks/training.py net1 --epoch never",
        "python scripts/trian.py",
        "python -m pip install -r requirement.txt",
        "kaggel competitions download",
    ],
)
def test_wrong_commands_are_not(line, accept, monkeypatch):
    (command,) = split(line)
    with pytest.raises((AssertionError, SystemExit, OSError, pytest.fail.Exception)):
        check(command, accept, monkeypatch)
