"""What is found, and how it is shown."""

import dataclasses
import textwrap

__all__ = ["REINSTALL", "Finding", "show"]

# What mends an installation that is there, but does not do what it should.
REINSTALL = "python -m pip install --force-reinstall -r requirements.txt"

_WIDTH, _INDENT = 88, 22


@dataclasses.dataclass
class Finding:
    """What is found of one subject.

    Attributes
    ----------
    subject : str
        One or two words.
    text : str
        What was found.
    mend : str
        What to do about it; empty where all is well.
    """

    subject: str
    text: str
    mend: str = ""


def show(finding):
    """Return a finding as lines of a report."""
    state = "WRONG" if finding.mend else "ok"
    head = f"  {state:<6}{finding.subject} ".ljust(_INDENT)
    text = textwrap.fill(
        finding.text,
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    ).replace("\u00a0", " ")
    # On one line, to be copied.
    return f"{text}\n{'':{_INDENT}}-> {finding.mend}" if finding.mend else text
