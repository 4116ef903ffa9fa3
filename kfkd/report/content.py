"""What the page of a reproduction says."""

import datetime

from kfkd.choices import MODERN_STEPS
from kfkd.history import Result, weighted_mean
from kfkd.report import figures, results, tables, tutorial
from kfkd.report.document import Note, Page, Section, Table, Text
from kfkd.report.tables import label, plain
from kfkd.reproduction import PACKAGES, scaled

__all__ = ["compose"]


def compose(study):
    """Return the page about a `Study`, its figures drawn."""
    sections = [
        Section("All nets", _overview(study), "all"),
        *_nets(study),
        *_specialists(study),
        Section("Ten years on", _steps(study), "steps"),
        Section("Time, then and now", _times(study), "time"),
        Section("Kaggle's score", _scores(study), "score"),
        Section("Pictures", _pictures(study), "pictures"),
        Section("How this was made", _origin(study), "made"),
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
    for name, run in study.specialists.items():
        mean = weighted_mean(run.net)
        facts.append((f"{mean:.2f} px", f"validation error of {label(name)}"))
    if study.test_scores:
        name, score = min(study.test_scores.items(), key=lambda item: item[1])
        text = f"Kaggle's score on the test set, {label(name)}"
        facts.append((f"{score:.2f} px", text))
    trained = [run.net for run in study.trained.values()]
    for run in study.specialists.values():
        trained += run.net.values()
    if trained:
        total = sum(Result(net).seconds for net in trained)
        devices = ", ".join(study.nets_by("device"))
        facts.append((tables.duration(total), f"of training on {devices}"))
    return facts


def _notes(study):
    """Return what a reader must know before comparing."""
    notes = []
    for name, run in study.runs.items():
        if run.problem:
            text = f"{run.problem[0].upper()}{run.problem[1:].rstrip('.')}."
            notes.append(Note(f"{label(name)} can't be used", text, bad=True))
    wanted = study.settings.wanted()
    missing = [label(name) for name in wanted if name not in study.runs]
    if missing:
        text = f"Still to come: {', '.join(missing)}."
        notes.append(Note("Not everything is finished", text))
    origin = study.origin
    if origin.kind != "kaggle":
        short = dict(drawn="Drawn faces", other="Other data")[origin.kind]
        text = (
            f"These nets were trained on {origin.title}: {study.data_size}. The "
            "tutorial's numbers, which stand beside ours, are for Kaggle's "
            "photographs. Compare how training proceeds, not which errors are lower."
        )
        notes.append(Note(f"{short}, not Kaggle's photographs", text))
    if study.scale != 1:
        text = (
            "All numbers of epochs, and with them the schedules of learning rate and "
            f"momentum, are the tutorial's times {plain(study.scale)}: its epoch 1000 "
            f"is compared with epoch {scaled(1000, study.scale)} here."
        )
        kind = "Fewer" if study.scale < 1 else "More"
        notes.append(Note(f"{kind} epochs than in the tutorial", text))
    return notes


def _overview(study):
    blocks = []
    singles = study.singles
    table = tables.final(singles, study.scale)
    if table.rows:
        times = f", times {plain(study.scale)}" if study.scale != 1 else ""
        text = (
            f"Each net at its last epoch in the tutorial's tables{times}. Losses are "
            "mean squared errors of coordinates in [-1, 1], and RMSE is 48 times the "
            "root of the validation loss."
        )
        if "net12" in singles:
            text += " The tutorial's table calls net12 net7."
        if "net4" in singles or "net5" in singles:
            text += (
                " The tables of net4 and net5 end at epochs 1000 and 2000 in the "
                f"tutorial; its code, and this run, continue to 3000{times}."
            )
        blocks += [Text(text), table]
    if study.usable:
        _, y = study.arrays
        first = next(iter(study.usable.values()))
        constant = results.constant_error(first.net, y)
        blocks += [
            Text(
                "Losses at the end of training. The train loss with dropout is "
                "measured during training and averaged over the epoch. The one without "
                "is that of the final net on the training faces; the tutorial gives it "
                "for net6 only, and for training and validation faces together."
            ),
            tables.outcomes(study.usable, study.arrays_of),
            Text(
                "For comparison: the mean of the training faces, as a prediction for "
                f"every face, has an error of {constant:.2f} pixels in validation."
            ),
        ]
    return blocks + figures.comparisons(study.drawable)


def _nets(study):
    sections = []
    for name, run in study.trained.items():
        blocks = []
        if name in MODERN_STEPS:
            blocks.append(Text(_NOT_THEIRS))
        elif name not in tutorial.LOSSES:
            blocks.append(Text("The tutorial gives no numbers for this net."))
        blocks.append(tables.losses(name, run.net, study.scale))
        if name in study.drawable:
            blocks.append(figures.curves(name, run.net))
        title = ": ".join(filter(None, (name, tutorial.DESCRIPTIONS.get(name))))
        sections.append(Section(title, blocks, name, short=name))
    return sections


def _specialists(study):
    sections = []
    for name, run in study.specialists.items():
        how = theirs = "from random weights"
        if run.record["start"]:
            how = f"starting from {run.record['start']}"
            theirs = "starting from net6 or net7"
        text = (
            "Each net predicts some of the key points, and learns from all faces that "
            "have these. The mean of their errors is weighted by columns. The tutorial "
            f"shows curves only; its specialists {theirs} reached "
            f"{tutorial.LEADERBOARD[name]} pixels on Kaggle's leaderboard."
        )
        table = tables.specialists(run.net, study.count_rows)
        blocks = [Text(text), table, figures.specialists(run.net, how)]
        short = label(name).capitalize()
        sections.append(Section(f"Specialists, {how}", blocks, name, short=short))
    return sections


_NOT_THEIRS = (
    "This net is not the tutorial's: it is what one would do otherwise today, with the "
    "same data. It learns from all rows. Its losses are means over the labels that "
    "these have, and it is validated on other faces than the tutorial's nets."
)


def _steps(study):
    """Return what each step from net2 to a net of today brings, if any was trained."""
    names = [name for name in ("net2", *MODERN_STEPS) if name in study.usable]
    if not any(name in MODERN_STEPS for name in names):
        return []
    text = (
        "The tutorial ends by inviting its readers to try ideas of their own. From "
        f"net2 to modern there are {len(MODERN_STEPS)} steps, each of which adds "
        "something to the one before; these were trained here. All but net2 learn from "
        "all rows, and are validated on other faces than net2."
    )
    runs = {name: study.usable[name] for name in names}
    return [Text(text), tables.steps(runs, study.test_scores)]


def _times(study):
    if not study.trained and not study.specialists:
        return []
    text = (
        "The time of the epochs alone, without preparations; that of one epoch is the "
        "median. The tutorial's times are quoted from its text."
    )
    if study.specialists:
        text += (
            " For specialists it is the sum, however many are trained at the same time."
        )
    devices = study.nets_by("device")
    if len(devices) > 1:
        each = (f"{device}: {', '.join(names)}" for device, names in devices.items())
        text += f" {'; '.join(each)}."
    return [Text(text), tables.times(study.trained | study.specialists, study.scale)]


def _scores(study):
    if not study.test_scores and not study.held_out_scores:
        return []
    text = "The root of the mean squared error, in pixels, of all locations"
    if study.test_scores:
        text += "; on the test set, of those that Kaggle asks for"
    text += ". The tutorial's are from Kaggle's leaderboard."
    return [Text(text), tables.scores(study.test_scores, study.held_out_scores)]


def _pictures(study):
    if not study.scored:
        return []
    names = list(study.usable)
    shown = list(dict.fromkeys([names[0], study.best()])) if names else []
    pair = ["net1", "net2"] if {"net1", "net2"} <= {*names} else shown
    blocks = [
        figures.predictions(name, study.scored[name], study.unseen)
        for name in (*shown, *study.specialists)
    ]
    if len(pair) == 2:
        nets = {name: study.scored[name] for name in pair}
        blocks.append(figures.comparison(nets, study.unseen))
    blocks += [figures.weights(name, study.scored[name]) for name in shown]
    return [*blocks, figures.flip(*study.arrays)]


def _origin(study):
    """Return data, settings, devices and versions."""
    origin, settings = study.origin, study.settings
    now = datetime.datetime.now().astimezone()
    made = {
        "data": f"{origin.title}: {study.data_size}",
        "file": f"{origin.name}, BLAKE2b {origin.fingerprint}",
        "held out": f"{settings.holdout:g} of the rows" if settings.holdout else "",
        "seed": str(settings.seed),
        "images a step": f"{settings.batch_size} of the tutorial's nets",
        "epochs": f"the tutorial's × {plain(study.scale)}",
        **{key: _gathered(study, key) for key in ("device", "python", *PACKAGES)},
        "page written": f"{now:%Y-%m-%d %H:%M %Z}",
    }
    rows = [dict(what=what, value=value) for what, value in made.items() if value]
    return [Table(rows, names=2), Text(study.command, code=True)]


def _gathered(study, key):
    """Return what all nets have in common, or what each has."""
    found = study.nets_by(key)
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{value} ({', '.join(names)})" for value, names in found.items())
