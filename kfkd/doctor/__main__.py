"""Say whether an installation is sound: ``python -m kfkd.doctor``.

The exit status is 0 if it is, and 1 if not.
"""

import sys
from pathlib import Path

import kfkd
from kfkd.cli._parser import Parser


def main(argv=None, prog=None):
    """Print the report; return the exit status."""
    Parser(
        prog=prog or "python -m kfkd.doctor",
        description="Say whether kfkd's installation is sound; exit with 1 if not.",
    ).parse_args(argv)
    from kfkd.doctor.finding import show
    from kfkd.doctor.report import examine

    print(f"kfkd {kfkd.__version__} in {Path(kfkd.__file__).parent}\n")
    wrong = 0
    for finding in examine():
        print(show(finding), flush=True)
        wrong += bool(finding.mend)
    things = "1 thing is" if wrong == 1 else f"{wrong} things are"
    print(f"\n{things} wrong." if wrong else "\nAll is well.")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
