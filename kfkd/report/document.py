"""What a page is made of, in whichever form it is written."""

import dataclasses
from pathlib import Path

__all__ = ["Figure", "Note", "Page", "Section", "Table", "Text"]


@dataclasses.dataclass
class Text:
    """A paragraph; or, as `code`, lines to be shown as they are."""

    text: str
    code: bool = False

    kind = "text"


@dataclasses.dataclass
class Note:
    """Something to know before one reads on.

    Attributes
    ----------
    title, text : str
    bad : bool
        Whether something has failed.
    """

    title: str
    text: str
    bad: bool = False

    kind = "note"


@dataclasses.dataclass
class Table:
    """A table of texts.

    Attributes
    ----------
    columns : list of str
    rows : list of list of str
        Empty where there is nothing to say.
    groups : list of (str, int)
        Titles over columns, and over how many; an empty title over those that stand
        alone. None at all by default.
    names : int
        How many columns at the left name things; the others hold numbers.
    caption : str
    """

    columns: list
    rows: list
    groups: list = dataclasses.field(default_factory=list)
    names: int = 1
    caption: str = ""

    kind = "table"

    def flat_columns(self):
        """Return titles of columns that need no groups over them."""
        above = [title for title, span in self.groups for _ in range(span)]
        return [
            f"{title}: {name}" if title else name
            for title, name in zip(
                above or [""] * len(self.columns), self.columns, strict=True
            )
        ]

    def starts(self):
        """Return for each column whether a group begins or has ended with it."""
        starts, before = [], ""
        for title, span in self.groups or [("", len(self.columns))]:
            starts += [bool(title or before), *[False] * (span - 1)]
            before = title
        return [False, *starts[1:]]


@dataclasses.dataclass
class Figure:
    """A picture.

    Attributes
    ----------
    path : pathlib.Path
        Of the PNG file.
    caption : str
        Empty if the picture says it all.
    alt : str
        What is seen, for those who do not see it.
    """

    path: Path
    caption: str
    alt: str

    kind = "figure"


@dataclasses.dataclass
class Section:
    """A part of the page.

    Attributes
    ----------
    title : str
    blocks : list
        What stands in it, one below the other.
    id : str
        For links.
    short : str
        Its title in the list of contents, if that is another.
    """

    title: str
    blocks: list
    id: str
    short: str = ""


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
