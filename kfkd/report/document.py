"""What a page is made of: sections of paragraphs, tables and figures."""

import dataclasses

__all__ = ["Figure", "Note", "Page", "Section", "Table", "Text"]


@dataclasses.dataclass
class Text:
    """A paragraph; with `code`, lines to be shown as they are."""

    text: str
    code: bool = False

    kind = "text"


@dataclasses.dataclass
class Table:
    """A table of texts.

    The rows are dicts with the same keys, which title the columns: ``"loss: here"`` is
    the column "here" in the group "loss".
    """

    rows: list
    names: int = 1  # columns at the left that name things; the others hold numbers

    kind = "table"


@dataclasses.dataclass
class Figure:
    """A picture with an optional caption, and a description for who cannot see it."""

    picture: bytes  # a PNG file's
    caption: str
    alt: str

    kind = "figure"


@dataclasses.dataclass
class Section:
    """A part of the page: texts, tables and figures."""

    title: str
    blocks: list
    id: str  # for links
    short: str = ""  # the title in the list of contents, if that is another


@dataclasses.dataclass
class Note:
    """Something to know before reading on; `bad` if something has failed."""

    title: str
    text: str
    bad: bool = False


@dataclasses.dataclass
class Page:
    """A page."""

    title: str
    subtitle: str
    facts: list  # the most important results: pairs of a value and what it is
    notes: list
    sections: list
