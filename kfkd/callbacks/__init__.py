"""Callbacks: schedules, early stopping, the printed log, checkpoints.

Each callback is called as ``callback(net, train_history)`` after an epoch, and those
in ``on_epoch_finished`` of a :class:`kfkd.estimator.NeuralNet` also through their
methods ``on_training_started`` and ``on_training_finished``, if they have them; the
latter however training ends.

One that has a method ``ahead(net, epoch)`` may let the next epoch start before the
losses of this one are known, which keeps a GPU busy.  The method is called when the
epoch of this number has been started.  It changes in the net what the call after the
epoch would change, and returns whether that call may come when the next epoch is under
way already; the weights are then to be had from ``net._run.snapshot`` only.  All
callbacks must agree, and one without such a method does not.
"""

from kfkd.callbacks.checkpoint import Checkpoint
from kfkd.callbacks.early_stopping import (
    TABLE_HEAD,
    AdjustVariable,
    EarlyStopping,
    PrintTables,
    table_row,
)

__all__ = [
    "TABLE_HEAD",
    "AdjustVariable",
    "Checkpoint",
    "EarlyStopping",
    "PrintTables",
    "table_row",
]

# Pickles name them as programs do, wherever in this package they are defined.
for _kind in (AdjustVariable, Checkpoint, EarlyStopping, PrintTables):
    _kind.__module__ = __name__
