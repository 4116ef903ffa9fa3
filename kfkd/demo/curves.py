"""Learning curves of the trainings in a folder, those that are under way included."""

import math
import os
import time
from pathlib import Path
from typing import Any

from kfkd.errors import StorageError
from kfkd.files import arrays
from kfkd.files.packing import unpack
from kfkd.history import to_rmse

__all__ = ["read_trainings"]

# Points of a curve that are sent: more than are seen.
_MOST = 400


def read_trainings(folder: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Return the learning curves in the checkpoints of a folder.

    A training has a checkpoint as long as it lasts. Checkpoints are read without
    running code of theirs; damaged ones are left out.

    Parameters
    ----------
    folder : path

    Returns
    -------
    list of dict
        ``name``; ``epochs``, how many there have been, and ``of`` how many; ``age``,
        the seconds since then; and the ``curve``: of some epochs, the number and the
        train and validation RMSE in pixels.
    """
    found = []
    for path in sorted(Path(folder).glob("*.checkpoint")):
        if path.name.endswith((".previous.checkpoint", ".draft.checkpoint")):
            continue
        try:
            about = arrays.read_about(path, "checkpoint")
            age = time.time() - path.stat().st_mtime
            rows = [unpack(row, {}) for row in about["history"]]
            *_, last = about["definition"]["epochs"]
        except (StorageError, OSError, LookupError, TypeError, ValueError):
            continue
        if rows:
            found.append(
                {
                    "name": path.name.removesuffix(".checkpoint"),
                    "epochs": rows[-1]["epoch"],
                    "of": last,
                    "age": round(max(0.0, age), 1),
                    "curve": [*map(_point, _thinned(rows))],
                }
            )
    return found


def _point(row):
    pixels = [float(to_rmse(row[name])) for name in ("train_loss", "valid_loss")]
    # JSON has no NaN.
    return [row["epoch"], *(round(p, 4) if math.isfinite(p) else None for p in pixels)]


def _thinned(rows):
    """Return at most so many rows as are sent, the first and the last among them."""
    if len(rows) <= _MOST:
        return rows
    step = (len(rows) - 1) / (_MOST - 1)
    return [rows[round(i * step)] for i in range(_MOST)]
