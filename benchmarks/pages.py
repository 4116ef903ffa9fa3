"""Write the tables of the pages from the figures of ``gpu.py``.

    python benchmarks/pages.py FOLDER

In ``benchmarks/README.md`` and ``README.md``, the comments ``begin: speed cuda`` and
``end: speed cuda`` stand around the table of speeds on a GPU, which stays as it is if
there are no figures. The table between ``begin: nets`` and ``end: nets`` is filled in
cell by cell.
"""

import argparse
import re
import statistics
import sys
from pathlib import Path

from figures import TABLES, latest, markdown
from gpu_folder import read

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "benchmarks" / "README.md", ROOT / "README.md"
PEERS = {
    "torch": "PyTorch, eager",
    "torch channels_last": "PyTorch, channels last",
    "torch.compile": "`torch.compile`",
    "torch.compile, autotuned": "`torch.compile`, autotuned",
}
NETS = [f"net{i}" for i in range(1, 8)]  # of which the tutorial tells the times


def speed(figures):
    """Return the table of speeds: the nets beside one another."""
    nets = list(dict.fromkeys(figure["net"] for figure in figures))
    cells = {(f["what"], f["peer"], f["net"]): f for f in figures}
    rows = []
    for what, peer in dict.fromkeys(key[:2] for key in cells):
        row = [what, PEERS.get(peer, peer)]
        for net in nets:
            figure = cells.get((what, peer, net))
            if figure is None:
                row += ["", ""]
                continue
            row.append(f"{statistics.median(figure['seconds']) * 1e3:,.2f}")
            row.append(f"{statistics.median(figure['ratios']):.2f}")
        rows.append(row)
    rows.sort(key=lambda row: ("epoch", "step", "evaluation").index(row[0]))
    columns = [column for net in nets for column in (f"{net}, ms", "by kfkd's")]
    return markdown(("what", "", *columns), rows)


def tests(figures):
    """Return how many tests have passed, and which have not."""
    outcomes = [figure["outcome"] for figure in figures]
    counts = (f"{outcomes.count(o)} {o}" for o in ("passed", "failed", "skipped"))
    lines = [f"Of {len(figures)} tests {', '.join(counts)}."]
    failed = [figure for figure in figures if figure["outcome"] == "failed"]
    if failed:
        rows = [(f"`{f['test']}`", f["why"].replace("|", "/")) for f in failed]
        lines += ["", markdown(("failed", "why"), rows)]
    return "\n".join(lines)


def training(figures):
    """Return the table of nets that were trained in full, at their last epochs."""
    return plain("training", in_full(figures).values())


def in_full(figures):
    """Return the last figures of trainings with all of the tutorial's epochs."""
    return {figure["name"]: figure for figure in figures if figure["scale"] == 1}


def plain(name, figures):
    """Return a table with a row for each figure."""
    kind = TABLES[name]
    return markdown(kind.columns, map(kind.row, figures))


def targets(figures):
    """Return the table of what is to be reached, or None without figures of it.

    Parameters
    ----------
    figures : dict of str to list of dict
        By table, as from `latest`.
    """
    rows = []

    def add(what, found, target, met):
        rows.append((what, found, target, "met" if met else "missed"))

    by = {(f["net"], f["what"], f["peer"]): f for f in figures.get("speed", ())}
    for net in ("net2", "net6", "net7"):
        for peer, words, least in (
            ("torch", "PyTorch eager's epoch by kfkd's", 3),
            ("torch.compile", "`torch.compile`'s epoch by kfkd's", 1),
            ("the arithmetic alone", "the counted limit by kfkd's epoch", 0.5),
        ):
            if figure := by.get((net, "epoch", peer)):
                ratio = statistics.median(figure["ratios"])
                met = ratio >= least
                add(f"{net}: {words}", f"{ratio:.2f}", f"at least {least}", met)
    trained = in_full(figures.get("training", ()))
    if "net6" in trained:
        seconds = trained["net6"]["seconds"]
        add("net6's 3,000 epochs", f"{seconds:.0f} s", "at most 60 s", seconds <= 60)
    if trained.keys() >= set(NETS):
        minutes = sum(trained[net]["seconds"] for net in NETS) / 60
        add("net1 to net7", f"{minutes:.1f} min", "at most 10 min", minutes <= 10)
    return markdown(("what", "found", "target", ""), rows) if rows else None


def caption(machine):
    """Return in a sentence what the figures were measured on."""
    known = {figure["what"]: figure["value"] for figure in machine}
    parts = [known.pop("device", "an unknown device")]
    date = known.pop("date", None)
    parts += [f"{what} {value}" for what, value in known.items()]
    return f"{', '.join(parts)}{f'; {date}' if date else ''}."


def blocks(figures):
    """Return the text of each block for which there are figures."""
    special = {"speed": speed, "tests": tests, "training": training}
    found = {
        name: special[name](rows) if name in special else plain(name, rows)
        for name, rows in figures.items()
        if name != "machine" and (name != "training" or in_full(rows))
    }
    if table := targets(figures):
        found["targets"] = table
    words = caption(figures.get("machine", ()))
    return {name: f"{words}\n\n{text}" for name, text in found.items()}


def fill(text, figures, device):
    """Return a page with the blocks of a device filled."""
    for name, content in blocks(figures).items():
        text = fill_block(text, f"{name} {device}", content)
    return re.sub(
        r"(<!-- begin: nets -->\n\n)(.*?)(\n\n<!-- end: nets -->)",
        lambda found: found[1] + fill_nets(found[2], figures, device) + found[3],
        text,
        flags=re.DOTALL,
    )


def fill_block(text, name, content):
    """Return a page with `content` between the comments that begin and end a block."""
    begin, end = (f"<!-- {word}: {name} -->" for word in ("begin", "end"))
    return re.sub(
        f"({begin}\n).*?({end})",
        lambda found: f"{found[1]}\n{content}\n\n{found[2]}",
        text,
        flags=re.DOTALL,
    )


def fill_nets(table, figures, device):
    """Return the README's table of nets with what full trainings have come to."""
    last = in_full(figures.get("training", ()))
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in table.split("\n")
    ]
    head, _, *rows = lines
    card = {f["what"]: f["value"] for f in figures.get("machine", ())}.get("device")
    time = "time" if device == "cpu" else f"time, {card}"
    if not any(row[0] in last for row in rows):
        return table
    for column in ("drawn faces: train / validation", time):
        if column not in head:
            head.append(column)
            for row in rows:
                row.append("")
        place = head.index(column)
        for row in rows:
            if figure := last.get(row[0]):
                row[place] = _duration(figure["seconds"])
                if column != time:
                    losses = f"{figure['train']:.6f} / {figure['valid']:.6f}"
                    row[place] = f"{losses}, {figure['pixels']:.2f} pixels"
    return markdown(head, rows)


def _duration(seconds):
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def main(argv=None):
    """Parse the command line, write the pages; return the exit status."""
    parser = argparse.ArgumentParser(
        description="Write the tables of the pages from a folder of figures."
    )
    parser.add_argument("folder", metavar="FOLDER", help="of benchmarks/gpu.py")
    parser.add_argument("--pages", nargs="+", type=Path, default=PAGES, metavar="PAGE")
    args = parser.parse_args(argv)
    found = list(read(Path(args.folder) / "figures.jsonl"))
    settings = next((line["settings"] for line in found if "settings" in line), None)
    if settings is None:
        parser.error(f"{args.folder} has no figures")
    if settings["quick"]:
        parser.error(f"the figures of {args.folder} are of a quick try and say nothing")
    figures = latest(line for line in found if "table" in line)
    for page in args.pages:
        before = page.read_text(encoding="utf-8")
        after = fill(before, figures, settings["device"])
        page.write_text(after, encoding="utf-8")
        print(f"{page} is {'up to date' if after == before else 'written'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
