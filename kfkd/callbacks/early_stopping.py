"""Early stopping, which restores the best weights."""

import math
import numbers
from typing import Any

import numpy as np

from kfkd import progress
from kfkd.arguments import check
from kfkd.callbacks.base import Callback, History
from kfkd.callbacks.progress import PrintTables
from kfkd.errors import ArgumentError
from kfkd.training.hooks import listed
from kfkd.xla.shared_variables import restore, snapshot

__all__ = ["EarlyStopping"]


class EarlyStopping(Callback):
    """Stop when the validation loss has not improved for a while.

    The weights of the best epoch come back whenever training ends: stopped here, at
    ``max_epochs``, or by Ctrl-C.

    Parameters
    ----------
    patience : int, default=100
        Epochs without improvement before training stops.

    Attributes
    ----------
    best_valid : float
        The lowest validation loss of this training.
    best_valid_epoch : int
    best_weights : dict or None
        What ``get_all_params_values`` returned then.  They are kept on the device and
        copied when they are asked for.  Copies and pickles do without: the net that
        they belong to has these weights.

    Raises
    ------
    ArgumentError
        If `patience` is not such a number; and from the first epoch, if there is no
        validation loss.

    Notes
    -----
    The tutorial's section "Training specialists", where the best weights come back
    only if patience runs out, and a second ``fit`` continues the state of the first.
    So it is still with ``nolearn.lasagne.NeuralNet``, unless its
    ``on_training_started`` and ``on_training_finished`` get the methods of these names.
    """

    supports_overlap = True  # an epoch too many is rolled back

    def __init__(self, patience: int = 100) -> None:
        is_valid = isinstance(patience, numbers.Real) and patience >= 0
        self.patience = check(
            "patience", patience, is_valid, "a number of epochs, 0 or more"
        )
        self._reset()

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_best": None}

    @property
    def best_weights(self) -> dict[str, list[np.ndarray]] | None:
        """The weights of the best epoch, layer by layer."""
        if self._best is None:
            return None
        counts, values = self._best
        values = iter(values)
        return {
            name: [np.array(next(values)) for _ in range(count)]
            for name, count in counts.items()
        }

    def _reset(self):
        self.best_valid = np.inf
        self.best_valid_epoch = 0
        self._best = None
        self._epoch = 0

    def on_training_started(self, net: Any, train_history: History) -> None:
        """Forget any earlier training."""
        self._reset()
        self._epoch = self.best_valid_epoch = len(train_history)

    def __call__(self, net: Any, train_history: History) -> None:
        """Remember the weights if they are the best so far; stop if it is time."""
        valid, epoch = train_history[-1]["valid_loss"], train_history[-1]["epoch"]
        if epoch <= self._epoch:  # a net that does not tell when training starts
            self.on_training_started(net, train_history[:-1])
        self._epoch = epoch
        if math.isnan(valid) and self._best is None:
            raise ArgumentError(
                "EarlyStopping needs a validation loss, and it is nan: the net has no "
                "validation set (train_split), or its training has diverged"
            )
        if valid < self.best_valid:
            self.best_valid = valid
            self.best_valid_epoch = epoch
            counts = {k: len(v.get_params()) for k, v in net.layers_.items()}
            # A net of nolearn's own has no loop.
            take = self.loop.snapshot if self.loop else snapshot
            self._best = counts, take(_params(net, counts))
        elif self.best_valid_epoch + self.patience < epoch:
            if net.verbose:
                self._announce(
                    net,
                    "Early stopping.\n"
                    f"Best valid loss was {self.best_valid:.6f} "
                    f"at epoch {self.best_valid_epoch}.",
                )
            self._restore_best(net)
            raise StopIteration

    def on_training_finished(self, net: Any, train_history: History) -> None:
        """Restore the best weights."""
        if self._best is not None:
            self._restore_best(net)

    def _restore_best(self, net):
        counts, values = self._best
        restore(_params(net, counts), values)

    def _announce(self, net, text):
        """Print a message, below the row of the epoch that it is about."""
        callbacks = self.loop.callbacks if self.loop else listed(net.on_epoch_finished)
        for callback in callbacks:
            if isinstance(callback, PrintTables):
                callback.complete(net.train_history_)
        progress.write(text)


def _params(net, names):
    return [param for name in names for param in net.layers_[name].get_params()]
