"""Callbacks: schedules, early stopping, the printed log, checkpoints.

`kfkd.callbacks.base.Callback` is the protocol: which hooks there are, and when each is
called.
"""

from kfkd.callbacks.base import Callback
from kfkd.callbacks.checkpoint import Checkpoint
from kfkd.callbacks.early_stopping import EarlyStopping
from kfkd.callbacks.progress import TABLE_HEAD, PrintTables, table_row
from kfkd.callbacks.schedules import (
    AdjustVariable,
    CosineAnnealing,
    OneCycle,
    Schedule,
)

__all__ = [
    "TABLE_HEAD",
    "AdjustVariable",
    "Callback",
    "Checkpoint",
    "CosineAnnealing",
    "EarlyStopping",
    "OneCycle",
    "PrintTables",
    "Schedule",
    "table_row",
]

# Pickles name them as programs do, wherever in this package they are defined.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
