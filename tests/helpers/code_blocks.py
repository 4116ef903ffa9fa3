"""Code blocks of the Markdown pages, found as CommonMark has them, to be run."""

import contextlib
import functools
import importlib.machinery
import importlib.util
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import distributed
import nolearn.lasagne
import pytest
from markdown_it import MarkdownIt
from matplotlib import pyplot

from kfkd import estimator, faces, nets, specialists, storage
from tests.helpers import portraits

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("[!.]*/*.md")])

# Where the tutorial, and kfkd too, looks for the data.
DATA = "~/data/kaggle-facial-keypoint-detection"


class Block(NamedTuple):
    page: Path
    line: int  # of its first line of code
    language: str
    code: str

    def __str__(self):
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def read(page):
    """Return the blocks of a page; those that are indented are of a shell."""
    blocks = []
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "fence":
            language = token.info.strip()
            blocks.append(Block(page, token.map[0] + 2, language, token.content))
        elif token.type == "code_block":
            blocks.append(Block(page, token.map[0] + 1, "sh", token.content))
    return blocks


def of(language):
    """Return the blocks of all pages in a language."""
    return [b for page in PAGES for b in read(page) if b.language == language]


def new_module(page, monkeypatch):
    """Return an empty module for the blocks of a page, which pickles can refer to."""
    name = re.sub(r"\W", "_", page.stem)
    loader = importlib.machinery.SourceFileLoader(name, str(page))
    spec = importlib.machinery.ModuleSpec(name, loader)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    return module


def run(block, module):
    """Run a block of Python as it stands; tracebacks have the lines of its page."""
    code = compile("\n" * (block.line - 1) + block.code, str(block.page), "exec")
    exec(code, vars(module))


@contextlib.contextmanager
def scaled_down():
    """Make what blocks call small: one epoch, 20 faces, one specialist, no windows.

    The blocks are not touched, and what they call is the real thing, but for these
    numbers: trainings take one epoch, whatever ``max_epochs`` says; ``faces.make``
    draws few faces; ``fit_specialists`` trains one specialist for one epoch; a Dask
    client has one worker, in this process. A few faces are in the tutorial's folder
    within the home folder, which must be the test's own, and ``me.jpg`` is a portrait.
    """
    few = functools.partial(faces.make, n_train=20, n_test=16)
    one = functools.partial(
        specialists.fit_specialists,
        settings=specialists.SPECIALIST_SETTINGS[:1],
        epochs_scale=1e-9,
    )
    client = functools.partial(
        distributed.Client, processes=False, n_workers=1, dashboard_address=None
    )
    limit = sys.getrecursionlimit()
    pyplot.switch_backend("agg")
    try:
        with pytest.MonkeyPatch.context() as patch:
            for net in (nolearn.lasagne.NeuralNet, estimator.NeuralNet):
                patch.setattr(net, "train_loop", _one_epoch(net.train_loop))
            patch.setattr(faces, "make", few)
            patch.setattr(specialists, "fit_specialists", one)
            patch.setattr("dask.distributed.Client", client)
            patch.setattr(pyplot, "show", lambda: pyplot.close("all"))
            few(DATA)
            shutil.copy(portraits.PATH, "me.jpg")
            yield
    finally:
        sys.setrecursionlimit(limit)
        pyplot.close("all")
        with contextlib.suppress(ValueError):  # there is none
            distributed.default_client().close()


def _one_epoch(train_loop):
    @functools.wraps(train_loop)
    def one_epoch(self, X, y, epochs=None, **options):
        return train_loop(self, X, y, 1, **options)

    return one_epoch


def save_nets(blocks):
    """Save a net, not trained, under each name such as net6.pickle in the blocks."""
    for name in {n for b in blocks for n in re.findall(r"\b(net\d+)\.pickle", b.code)}:
        net = nets.make(name)
        net.initialize()
        storage.save(net, f"{name}.pickle")
