"""Report whether the installation is sound."""

from pathlib import Path

import kfkd
from kfkd.cli._parser import Parser


def parse_args(argv=None, prog=None):
    """Return the parsed command line, which has no arguments."""
    parser = Parser(
        prog=prog,
        description="Say whether kfkd's installation is sound; exit with 1 if not.",
    )
    return parser.parse_args(argv)


def main(argv=None, prog=None):
    """Print the report; return the exit status: 0 if all is well, and 1 if not."""
    parse_args(argv, prog)
    from kfkd.doctor.finding import show
    from kfkd.doctor.report import examine

    print(f"kfkd {kfkd.__version__} in {Path(kfkd.__file__).parent}\n")
    wrong = 0
    for finding in examine():
        print(show(finding), flush=True)
        wrong += bool(finding.fix)
    things = "1 thing is" if wrong == 1 else f"{wrong} things are"
    print(f"\n{things} wrong." if wrong else "\nAll is well.")
    return int(wrong > 0)
