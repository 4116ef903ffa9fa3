"""What earlier calls have left, and what of it can stay."""

import pathlib
from collections.abc import Mapping

from kfkd import storage
from kfkd.errors import SpecialistError
from kfkd.specialists.settings import name_of

__all__ = ["announce", "find_others"]


def find_others(settings, common, parts, out):
    """Return the specialists that are not to be trained, as far as they are there.

    A net of `out`, or None where the part is to be taken.
    """
    kept, old = {}, None
    for setting in settings:
        columns, name = setting["columns"], name_of(setting["columns"])
        source = parts.made_from(name)
        if source is not None and tuple(source["columns"]) == columns:
            for key in ("data", "holdout"):
                if source[key] != common[key]:
                    raise SpecialistError(
                        f"the specialist for {name} in {parts.folder} was trained with "
                        f"another {key} ({source[key]}, now {common[key]}), so the two "
                        "do not belong together; name another file (out)"
                    )
            kept[columns] = None
            continue
        if old is None:
            old = storage.load(out) if pathlib.Path(out).exists() else {}
            if not isinstance(old, Mapping):
                raise SpecialistError(
                    f"{out} holds a single net, no set of specialists to add to; name "
                    "another file (out)"
                )
        if columns in old:
            if common["holdout"]:
                raise SpecialistError(
                    f"whether the specialist for {name} in {out} has seen the rows to "
                    "be held out is not known; name another file (out)"
                )
            kept[columns] = old[columns]
    return kept


# What is compared by what is too long to print.
_LONG = dict(flip_indices="flip indices", pretrained_from="weights to start from")


def announce(jobs, sources, parts):
    """Print what there is to do; return the names of the specialists to train."""
    todo = []
    width = max(map(len, jobs))
    for name, job in jobs.items():
        before, now = parts.made_from(name), sources[name]
        note = ""
        if before == now:
            note = f"  (done before, see {parts.log(name)})"
        else:
            todo.append(name)
        if before and before != now:
            changed = [key for key in now if before.get(key) != now[key]]
            differences = ", ".join(
                f"{key.replace('_', ' ')} {before[key]}, now {now[key]}"
                if isinstance(before.get(key), (int, float))
                else f"other {_LONG.get(key, key)}"
                for key in changed
            )
            note = f"  (anew: was trained with {differences})"
        epochs = now["epochs"]
        unit = "epoch" if epochs == 1 else "epochs"
        print(f"{name:{width}} {len(job.rows):>6} rows {epochs:>6} {unit}{note}")
    return todo
