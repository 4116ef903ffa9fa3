"""What is called while a net trains: schedules, early stopping, and the printed log.

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

import math
import sys

import numpy as np

from kfkd import progress
from kfkd.training.epochs import listed
from kfkd.xla import describe_device
from kfkd.xla.shared_variables import restore, snapshot

__all__ = [
    "TABLE_HEAD",
    "AdjustVariable",
    "EarlyStopping",
    "PrintTables",
    "table_row",
]


class AdjustVariable:
    """Move a hyperparameter linearly from one value to another while a net trains.

    Parameters
    ----------
    name : str
        The attribute of the net, a ``theano.shared`` scalar, such as
        ``"update_learning_rate"``.
    start, stop : float
        The values after the first epoch and after ``max_epochs``, at which it stays.
        A net's first training begins at `start`, whatever an earlier one, of which the
        net is a clone, has left in the variable.

    Notes
    -----
    The tutorial's section on learning rate and momentum.  Its class keeps the
    schedule that it makes at the first call; here the value is a function of the epoch
    and of ``max_epochs`` alone.
    """

    def __init__(self, name, start=0.03, stop=0.001):
        self.name = name
        self.start = start
        self.stop = stop

    def on_training_started(self, net, train_history):
        """Set the variable to its start if the net has not been trained yet.

        Raises
        ------
        TypeError
            If the parameter is no shared variable.
        """
        variable = self._variable(net)
        if not train_history:
            variable.set_value(np.asarray(self.start, variable.dtype))

    def __call__(self, net, train_history):
        """Set the variable to its value after the epoch that has just ended."""
        self.ahead(net, train_history[-1]["epoch"])

    def ahead(self, net, epoch):
        """Set the variable to its value after this epoch."""
        done = min(epoch, net.max_epochs) - 1
        last = net.max_epochs - 1
        # numpy.linspace(start, stop, max_epochs)[done], to the last bit.
        step = (self.stop - self.start) / last if last else 0
        value = self.stop if 0 < done == last else self.start + done * step
        variable = self._variable(net)
        variable.set_value(np.asarray(value, variable.dtype))
        return True

    def _variable(self, net):
        variable = getattr(net, self.name, None)
        if not hasattr(variable, "set_value"):
            raise TypeError(
                f"AdjustVariable({self.name!r}): the net's {self.name} is {variable!r}"
                f", but must be a shared variable, as in {self.name}="
                f"theano.shared(np.float32({self.start}))"
            )
        return variable


class EarlyStopping:
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
    ValueError
        From the first epoch, if there is no validation loss.

    Notes
    -----
    The tutorial's section "Training specialists", where the best weights come back
    only if patience runs out, and a second ``fit`` goes on with the state of the first.
    ``nolearn.lasagne.NeuralNet`` leaves it at that, unless its ``on_training_started``
    and ``on_training_finished`` are given the methods of these names.
    """

    def __init__(self, patience=100):
        self.patience = patience
        self._reset()

    def __getstate__(self):
        return vars(self) | {"_best": None}

    @property
    def best_weights(self):
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

    def on_training_started(self, net, train_history):
        """Forget any earlier training."""
        self._reset()
        self._epoch = self.best_valid_epoch = len(train_history)

    def __call__(self, net, train_history):
        """Remember the weights if they are the best so far; stop if it is time."""
        valid, epoch = train_history[-1]["valid_loss"], train_history[-1]["epoch"]
        if epoch <= self._epoch:  # a net that does not tell when training starts
            self.on_training_started(net, train_history[:-1])
        self._epoch = epoch
        if math.isnan(valid) and self._best is None:
            raise ValueError(
                "EarlyStopping needs a validation loss, and it is nan: the net has no "
                "validation set (train_split), or its training has diverged"
            )
        if valid < self.best_valid:
            self.best_valid = valid
            self.best_valid_epoch = epoch
            counts = {k: len(v.get_params()) for k, v in net.layers_.items()}
            run = getattr(net, "_run", None)  # a net of nolearn's own has none
            take = run.snapshot if run else snapshot
            self._best = counts, take(_params(net, counts))
        elif self.best_valid_epoch + self.patience < epoch:
            if net.verbose:
                _announce(
                    net,
                    "Early stopping.\n"
                    f"Best valid loss was {self.best_valid:.6f} "
                    f"at epoch {self.best_valid_epoch}.",
                )
            self._give_back(net)
            raise StopIteration

    def ahead(self, net, epoch):
        """Let the next epoch start; where this one was the last, it is taken back."""
        return True

    def on_training_finished(self, net, train_history):
        """Give the net the best weights back."""
        if self._best is not None:
            self._give_back(net)

    def _give_back(self, net):
        counts, values = self._best
        restore(_params(net, counts), values)


def _announce(net, text):
    """Print a message, below the row of the epoch that it is about."""
    for callback in listed(net.on_epoch_finished):
        if isinstance(callback, PrintTables):
            callback.complete(net.train_history_)
    progress.write(text)


def _params(net, names):
    return [param for name in names for param in net.layers_[name].get_params()]


TABLE_HEAD = """\
 Epoch  |  Train loss  |  Valid loss  |  Train / Val
--------|--------------|--------------|---------------"""


def table_row(row):
    """Return the line of the table for an epoch, a row of ``train_history_``."""
    train, valid = row["train_loss"], row["valid_loss"]
    ratio = train / valid if valid else math.nan
    return f"{row['epoch']:>6}  | {train:>11.6f}  | {valid:>11.6f}  | {ratio:>12.6f}"


class PrintTables:
    """Print the layers of a net and a row for each epoch, as in the tutorial.

    On a terminal, and in a notebook, a bar shows how long training still takes, and
    before it a clock how long it takes to begin.

    Parameters
    ----------
    every : int, default=1
        Print every so many epochs, and the last.
    """

    def __init__(self, every=1):
        self.every = every
        self._clock = self._bar = None

    def __getstate__(self):
        return vars(self) | {"_clock": None, "_bar": None}

    def on_training_started(self, net, train_history):
        """Print the device, the layers, and the head of the table."""
        print(f"Training on {describe_device()}")
        for layer in net.layers_.values():
            shape = layer.output_shape
            n = math.prod(shape[1:])
            print(f"  {type(layer).__name__:<18} {shape!s:<20} produces {n:>7} outputs")
        print()
        print(TABLE_HEAD)
        sys.stdout.flush()
        self.printed = len(train_history)
        # Functions are compiled when the first epoch needs them.
        self._clock = progress.Bar("compiling, first epoch")

    def __call__(self, net, train_history):
        """Print the row of the epoch if it is its turn."""
        row = train_history[-1]
        if self._clock is not None:
            self._clock.close()
            self._clock = None
            # From here on, so that the time left is reckoned from epochs alone.
            done = len(train_history) - net._run.first
            self._bar = progress.Bar(
                "",
                net.epochs_,
                shown=progress.keep_apart(),
                initial=done,
                speed=False,
            )
        elif self._bar is not None:
            self._bar.update(note=_losses(row))
        if row["epoch"] % self.every == 0:
            self._print_row(train_history)

    def ahead(self, net, epoch):
        """Let the next epoch start."""
        return True

    def _print_row(self, train_history):
        self.printed = train_history[-1]["epoch"]
        progress.write(table_row(train_history[-1]))

    def complete(self, train_history):
        """Print the row of the latest epoch if it has not been printed."""
        if train_history and train_history[-1]["epoch"] > self.printed:
            self._print_row(train_history)

    def on_training_finished(self, net, train_history):
        """Print the last row if it has not been, and end the bar."""
        for bar in (self._clock, self._bar):
            if bar is not None:
                bar.close()
        self._clock = self._bar = None
        self.complete(train_history)


def _losses(row):
    return f"train {row['train_loss']:.6f}, valid {row['valid_loss']:.6f}"
