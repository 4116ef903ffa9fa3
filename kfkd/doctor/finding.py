"""What was found, and its lines in the report."""

import dataclasses
import re
import shutil
import textwrap

__all__ = ["Finding", "show"]

# The lines of a report are as wide as the terminal, within these bounds.
_NARROW, _WIDE = 56, 88
_INDENT = 22 * " "


@dataclasses.dataclass
class Finding:
    """What was found about one subject.

    Attributes
    ----------
    subject : str
        One or two words.
    text : str
        What was found.
    fix : str
        What to do about it, with commands in backticks; empty where all is well.
    """

    subject: str
    text: str
    fix: str = ""


def show(finding):
    """Return a finding as lines of a report."""
    state = "WRONG" if finding.fix else "ok"
    head = f"  {state:<6}{finding.subject} ".ljust(len(_INDENT))
    lines = _wrap(finding.text, head, _INDENT)
    if finding.fix:
        # A command stays on one line, to be copied.
        fix = re.sub("`[^`]*`", lambda m: m[0].replace(" ", "\u00a0"), finding.fix)
        for line in _wrap(fix, f"{_INDENT}-> ", f"{_INDENT}   "):
            lines.append(re.sub("^([ >-]*)`([^`]*)`$", r"\1\2", line))
    return "\n".join(lines)


def _wrap(text, first, others):
    """Return the lines of a text; they may break at plain spaces only."""
    columns = shutil.get_terminal_size(fallback=(_WIDE, 24)).columns
    lines = textwrap.wrap(
        text,
        max(_NARROW, min(columns, _WIDE)),
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\u00a0", " ") for line in lines]
