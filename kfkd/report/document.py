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

    Attributes
    ----------
    rows : list of dict of str to str
        All with the same keys, which title the columns: ``"train loss: here"`` is the
        column "here" in the group "train loss".
    names : int
        How many columns at the left name things; the others hold numbers.
    """

    rows: list
    names: int = 1

    kind = "table"


@dataclasses.dataclass
class Figure:
    """A picture.

    Attributes
    ----------
    picture : bytes
        The content of a PNG file.
    caption : str
        Empty if the picture needs none.
    alt : str
        A description for those who do not see the picture.
    """

    picture: bytes
    caption: str
    alt: str

    kind = "figure"


@dataclasses.dataclass
class Section:
    """A part of the page.

    Attributes
    ----------
    title : str
    blocks : list of Text, Table and Figure
        In the order in which they are shown.
    id : str
        For links.
    short : str
        The title in the list of contents, if that is another.
    """

    title: str
    blocks: list
    id: str
    short: str = ""


@dataclasses.dataclass
class Note:
    """Something to know before reading on; `bad` if something has failed."""

    title: str
    text: str
    bad: bool = False


@dataclasses.dataclass
class Page:
    """A page.

    Attributes
    ----------
    title, subtitle : str
    facts : list of (str, str)
        The most important results at a glance: a value and what it is.
    notes : list of Note
    sections : list of Section
    """

    title: str
    subtitle: str
    facts: list
    notes: list
    sections: list
