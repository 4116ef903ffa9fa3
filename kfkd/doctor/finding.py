"""What is found, and how it is shown."""

import dataclasses
import re
import shutil
import textwrap

__all__ = ["Finding", "show"]

# The lines of a report are as wide as the terminal, within these bounds.
_NARROW, _WIDE = 56, 88
_INDENT = 22


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
        What to do about it, with commands in backticks; empty where all is well.
    """

    subject: str
    text: str
    mend: str = ""


def show(finding):
    """Return a finding as lines of a report."""
    state = "WRONG" if finding.mend else "ok"
    head = f"  {state:<6}{finding.subject} ".ljust(_INDENT)
    indent = " " * _INDENT
    text = _fill(finding.text, head, indent)
    if not finding.mend:
        return text
    # A command stays on one line, to be copied.
    mend = re.sub("`[^`]*`", lambda command: _unbroken(command[0]), finding.mend)
    lines = _fill(mend, f"{indent}-> ", f"{indent}   ").splitlines()
    lines = [re.sub("^([ >-]*)`([^`]*)`$", r"\1\2", line) for line in lines]
    return "\n".join([text, *lines])


def _unbroken(text):
    return text.replace(" ", "\u00a0")


def _fill(text, first, others):
    """Return a text as lines for the terminal, with plain spaces alone."""
    columns = shutil.get_terminal_size(fallback=(_WIDE, 24)).columns
    return textwrap.fill(
        text,
        max(_NARROW, min(columns, _WIDE)),
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    ).replace("\u00a0", " ")
