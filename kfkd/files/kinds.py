"""Kinds of files that commands write, and how a file of each kind is recognised.

A file is recognised by its content, which is not run or decoded: a damaged file of a
kind mostly still is one.
"""

import mmap
import pathlib
import pickle
import re
from collections.abc import Callable
from typing import NamedTuple

__all__ = [
    "CHECKPOINT",
    "FIGURE",
    "FIGURE_STAMP",
    "LOG",
    "NET",
    "ONNX",
    "PAGE",
    "PICKLE_SEAL",
    "PREDICTIONS",
    "RECORD",
    "SPECIALISTS",
    "SUBMISSION",
    "Kind",
    "is_of_kind",
]

# What marks files whose formats say nothing about their origin.
FIGURE_STAMP = "kfkd, with Matplotlib"
PICKLE_SEAL = b"kfkd-sum"

_HEAD = 4096  # bytes


class Kind(NamedTuple):
    """A kind of files.

    Attributes
    ----------
    what : str
        What messages call such a file, such as ``"a picture drawn by kfkd"``.
    matches : callable
        Called with the content, as an mmap; returns whether it is of this kind.
    """

    what: str
    matches: Callable[[mmap.mmap], object]


def is_of_kind(path: pathlib.Path, kind: Kind) -> bool:
    """Return whether a file that exists is of a kind, or is empty."""
    with open(path, "rb") as file:
        if not file.read(1):
            return True
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return bool(kind.matches(content))


def _matches(pattern: bytes) -> Callable[[mmap.mmap], object]:
    """Return a function that tells whether a content begins like a pattern."""
    compiled = re.compile(pattern, re.DOTALL)
    return lambda content: compiled.match(content[:_HEAD])


def _holds_net(content: mmap.mmap) -> bool:
    """Return whether a content is a net saved by kfkd, or any pickle of a NeuralNet."""
    head = content[:_HEAD]
    if head[:2] == b"PK":
        return b'"kind": "net"' in head
    # Nets that were pickled in the tutorial's way have no seal.
    sealed = content.rfind(PICKLE_SEAL, max(0, len(content) - 64)) >= 0
    return head[:1] == pickle.PROTO and (sealed or b"NeuralNet" in head)


# How summaries begin: see kfkd.storage.replaced.
_BY_ITSELF = b'{"key": null, '
_IN_A_SET = (b'{"key": [', b'{"key": "')


def _holds_one(content: mmap.mmap) -> bool:
    in_a_set = any(content.find(mark) >= 0 for mark in _IN_A_SET)
    return _holds_net(content) and not in_a_set


def _holds_set(content: mmap.mmap) -> bool:
    return _holds_net(content) and content.find(_BY_ITSELF) < 0


def _holds_predictions(content: mmap.mmap) -> bool:
    """Return whether it is kfkd's JSON, or each number has the decimals that it writes.

    A table of labels that somebody has made has the same columns.
    """
    if re.match(rb'\{\s*"made_by": "kfkd [^"]*",\s*"faces":', content[:_HEAD]):
        return True
    box = rb",box_left,box_top,box_width,box_height"
    if not re.match(
        rb"(ImageId|File|File,Face%s)(,\w+_[xy])+\n" % box, content[:_HEAD]
    ):
        return False
    lines = iter(content.readline, b"")
    head = next(lines)
    columns = head.count(b",") - head.count(b",Face,")
    numbers = re.compile(rb".*(,-?\d+\.\d{4}){%d}\n" % columns)
    return all(map(numbers.fullmatch, lines))


# A net without a summary may be either.
NET = Kind("a saved net", _holds_one)
SPECIALISTS = Kind("a saved set of specialists", _holds_set)
CHECKPOINT = Kind("a checkpoint of kfkd", _matches(rb'PK.*"kind": "checkpoint"'))
FIGURE = Kind(
    "a picture drawn by kfkd",
    lambda content: content.find(FIGURE_STAMP.encode()) >= 0,
)
ONNX = Kind("a model written by kfkd", _matches(rb"\x08.\x12\x04kfkd"))
PREDICTIONS = Kind("a table of predictions by kfkd", _holds_predictions)
SUBMISSION = Kind("a submission", _matches(rb"RowId,Location\r?\n"))
PAGE = Kind("a page written by kfkd", _matches(rb'.*name="generator" content="kfkd'))
LOG = Kind(
    "the log of a specialist",
    _matches(rb".*(epochs? at most, on |Train loss|failed: )"),
)
RECORD = Kind(
    "kfkd's record of a training", lambda content: content.find(b'"pickle": "') >= 0
)
