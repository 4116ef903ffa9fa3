"""What the page of a reproduction says."""

import datetime

from kfkd.history import Result, weighted_mean
from kfkd.report import results, tables, tutorial
from kfkd.report.document import Note, Page, Section, Table, Text
from kfkd.report.tables import DESCRIPTIONS, label, plain
from kfkd.reproduction import scaled

__all__ = ["compose"]

_HOW = dict(scratch="from random weights", pretrained="starting from {}")


def compose(study, painter):
    """Put the page together, and draw its figures.

    Parameters
    ----------
    study : kfkd.report.study.Study
    painter : kfkd.report.figures.Painter

    Returns
    -------
    Page
    """
    sections = [
        _overview(study, painter),
        *_nets(study, painter),
        *_specialists(study, painter),
        _times(study),
        _scores(study),
        _pictures(study, painter),
        _origin(study),
    ]
    return Page(
        title="Facial keypoints, trained again",
        subtitle="The nets of the tutorial of 2014 beside those of this run",
        facts=_facts(study),
        notes=_notes(study),
        sections=[section for section in sections if section.blocks],
    )


def _facts(study):
    """Return the most important results at a glance."""
    facts = []
    if study.usable:
        name = study.best()
        best = Result(study.usable[name].net).rmse
        facts.append((f"{best:.2f} px", f"validation error of the best net, {name}"))
    for kind, run in study.specialists.items():
        mean = weighted_mean(run.net)
        facts.append((f"{mean:.2f} px", f"validation error of specialists, {kind}"))
    if study.test_scores:
        name, score = min(study.test_scores.items(), key=lambda item: item[1])
        text = f"Kaggle's score on the test set, {label(name)}"
        facts.append((f"{score:.2f} px", text))
    histories = [run.net for run in study.trained.values()]
    for run in study.specialists.values():
        histories += run.net.values()
    if histories:
        total = sum(Result(net).seconds for net in histories)
        facts.append((tables.duration(total), f"of training on {study.device()}"))
    return facts


def _notes(study):
    """Return what one must know before one compares."""
    notes = []
    for name, run in study.runs.items():
        if run.problem:
            text = f"{run.problem[0].upper()}{run.problem[1:].rstrip('.')}."
            notes.append(Note(f"{label(name)} can't be used", text, bad=True))
    missing = [label(name) for name in study.wanted if name not in study.runs]
    if missing:
        text = f"Still to come: {', '.join(missing)}."
        notes.append(Note("Not everything is finished", text))
    origin = study.origin
    if origin.kind != "kaggle":
        short = dict(drawn="Drawn faces", other="Other data")[origin.kind]
        text = (
            f"These nets were trained on {origin.title}: {origin.size}. The tutorial's "
            "numbers, which stand beside ours, are about Kaggle's photographs. They "
            "show how training goes; which errors are lower says nothing."
        )
        notes.append(Note(f"{short}, not Kaggle's photographs", text))
    if study.scale != 1:
        text = (
            "All numbers of epochs, and with them the schedules of learning rate and "
            f"momentum, are the tutorial's times {plain(study.scale)}. What stands "
            f"beside its epoch 1000 is epoch {scaled(1000, study.scale)} here."
        )
        kind = "Fewer" if study.scale < 1 else "More"
        notes.append(Note(f"{kind} epochs than in the tutorial", text))
    return notes


def _overview(study, painter):
    blocks = []
    singles = study.singles
    table = tables.final(singles, study.scale)
    if table.rows:
        same = "the epoch that it has in the tutorial's table"
        if study.scale != 1:
            same += f", times {plain(study.scale)}"
        text = (
            f"Each net at {same}. Losses are mean squared errors of coordinates in "
            "[-1, 1], and RMSE is 48 times the root of the validation loss."
        )
        if "net12" in singles:
            text += " The tutorial's table calls net12 net7."
        if "net4" in singles or "net5" in singles:
            text += (
                " The tables of net4 and net5 end at epochs 1000 and 2000 in the "
                "tutorial; its code, and this run, go on to 3000"
            )
            text += f" × {plain(study.scale)}." if study.scale != 1 else "."
        blocks += [Text(text), table]
    if study.usable:
        blocks += [
            Text(
                "At the end of training. A loss that is measured while a net trains "
                "includes dropout and changes over the epoch; without it, the net as "
                "it is at the end predicts its training faces. The tutorial gives "
                "this for net6 only, and for training and validation faces together."
            ),
            tables.outcomes(study.usable, *study.arrays),
        ]
        constant = results.constant_error(
            next(iter(study.usable.values())).net, study.arrays[1]
        )
        blocks.append(
            Text(
                "For comparison: who always predicts the mean of the training faces "
                f"is off by {constant:.2f} pixels in validation."
            )
        )
    blocks += painter.comparisons(study.drawable)
    return Section("All nets", blocks, "all")


def _nets(study, painter):
    sections = []
    for name, run in study.trained.items():
        blocks = []
        if name not in tutorial.LOSSES:
            blocks.append(Text("The tutorial gives no numbers for this net."))
        blocks.append(tables.losses(name, run.net, study.scale))
        if name in study.drawable:
            blocks.append(painter.curves(name, run.net))
        title = f"{name}: {DESCRIPTIONS[name]}" if name in DESCRIPTIONS else name
        sections.append(Section(title, blocks, name, short=name))
    return sections


def _times(study):
    if not study.trained and not study.specialists:
        return Section("Time, then and now", [], "time")
    text = (
        "The time that the epochs take, without preparations; an epoch is the median. "
        "The tutorial's are in the words of its text."
    )
    if study.specialists:
        text += " Of specialists it is the sum, however many are trained at a time."
    devices = study.gathered("device")
    if len(devices) > 1:
        text += (
            " " + "; ".join(f"{d}: {', '.join(n)}" for d, n in devices.items()) + "."
        )
    return Section(
        "Time, then and now",
        [
            Text(text),
            tables.times(study.trained, study.specialists, study.scale),
        ],
        "time",
    )


def _specialists(study, painter):
    sections = []
    for kind, run in study.specialists.items():
        how, theirs = (
            _HOW[kind].format(start) for start in (run.record["start"], "net6 or net7")
        )
        score = tutorial.LEADERBOARD[kind]
        sections.append(
            Section(
                f"Specialists, {how}",
                [
                    Text(
                        "Each net predicts some of the key points, and learns from all "
                        "faces that have these. The mean of their errors is weighted "
                        "by columns. The tutorial shows curves only; its specialists "
                        f"{theirs} came to {score} pixels on "
                        "Kaggle's leaderboard."
                    ),
                    tables.specialists(run.net, study.rows_of),
                    painter.specialists(kind, run.net),
                ],
                f"specialists-{kind}",
                short=f"Specialists, {kind}",
            )
        )
    return sections


def _scores(study):
    blocks = []
    if study.test_scores or study.held_out_scores:
        text = "The root of the mean squared error, in pixels, of all locations"
        if study.test_scores:
            text += "; on the test set, of those that Kaggle asks for"
        text += ". The tutorial's are from Kaggle's leaderboard."
        blocks.append(Text(text))
        blocks.append(tables.scores(study.test_scores, study.held_out_scores))
    return Section("Kaggle's score", blocks, "score")


def _pictures(study, painter):
    usable = {name: run.net for name, run in study.usable.items()}
    shown = list(dict.fromkeys([next(iter(usable)), study.best()])) if usable else []
    blocks = []
    for name in shown:
        blocks.append(painter.predictions(name, usable[name], study.unseen))
    for kind, run in study.specialists.items():
        name = f"specialists-{kind}"
        blocks.append(painter.predictions(name, run.net, study.unseen))
    two = [name for name in ("net1", "net2") if name in usable]
    two = two if len(two) == 2 else shown
    if len(two) == 2:
        pair = {name: usable[name] for name in two}
        blocks.append(painter.comparison(pair, study.unseen))
    for name in shown:
        blocks.append(painter.weights(name, usable[name]))
    if blocks:
        blocks.append(painter.flip(*study.arrays))
    return Section("Pictures", blocks, "pictures")


def _origin(study):
    """Return the section on data, settings, devices and versions."""
    origin = study.origin
    rows = [
        ["data", f"{origin.title}: {origin.size}"],
        ["file", f"{origin.name}, BLAKE2b {origin.fingerprint}"],
        ["held out", f"{study.settings.holdout:g} of the rows"],
        ["seed", str(study.settings.seed)],
        ["images a step", str(study.settings.batch_size)],
        ["epochs", f"the tutorial's × {plain(study.scale)}"],
    ]
    if not study.settings.holdout:
        rows = [row for row in rows if row[0] != "held out"]
    for key, what in [("device", "device"), *((p, p) for p in study.packages())]:
        values = study.gathered(key)
        if len(values) == 1:
            rows.append([what, next(iter(values))])
        else:
            listed = (
                f"{value} ({', '.join(names)})" for value, names in values.items()
            )
            rows.append([what, "; ".join(listed)])
    now = datetime.datetime.now().astimezone()
    rows.append(["page written", f"{now:%Y-%m-%d %H:%M %Z}"])
    return Section(
        "How this was made",
        [
            Table(["what", "value"], [row for row in rows if row[1]], names=2),
            Text(study.command, code=True),
        ],
        "made",
    )
