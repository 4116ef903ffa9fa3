"""The protocol of callbacks: which hooks there are, and when each is called."""

import pathlib
from typing import Any

from kfkd.errors import StateError
from kfkd.files.packing import set_attributes

__all__ = ["Callback", "History"]

# A net's train_history_: a row for each epoch.
History = list[dict[str, Any]]


class Callback:
    """Base class of callbacks, whose hooks do nothing.

    A callback stands in ``on_epoch_finished`` of a net.  Any function of the net and
    its history may stand there as well, as in nolearn, and any object with some of
    these methods.  nolearn's own NeuralNet calls only ``__call__``.

    Attributes
    ----------
    loop : kfkd.training.loop.TrainingLoop or None
        The current training, from before it starts until it has ended.  Always None
        with nolearn's own NeuralNet.
    supports_overlap : bool
        Whether the next epoch may start before the losses of this one are known, which
        keeps a GPU busy.  It may if all callbacks say so.  A class that overrides
        `before_next_epoch` supports it; one that overrides ``__call__`` alone does not,
        unless it sets this to True.
    runs_last : bool
        Whether it is called after all others, wherever it stands.
    """

    loop: Any = None
    supports_overlap = True  # as long as it does nothing
    runs_last = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        bases = [base for base in cls.__bases__ if issubclass(base, Callback)]

        def overrides(hook: str) -> bool:
            return any(getattr(cls, hook) is not getattr(b, hook) for b in bases)

        if "supports_overlap" not in vars(cls):
            if overrides("before_next_epoch"):
                cls.supports_overlap = True
            elif overrides("__call__"):
                cls.supports_overlap = False

    @property
    def saves_to(self) -> pathlib.Path | None:
        """The path where the training is saved, if this callback saves it."""
        return None

    def set_loop(self, loop: Any) -> None:
        """Store the loop of the training that starts, or None when it has ended.

        Raises
        ------
        StateError
            If the callback is in another training that has not ended.
        """
        if loop is not None and self.loop is not None:
            raise StateError(
                f"The {type(self).__name__} is in another training that has not ended; "
                "give each net one of its own"
            )
        self.loop = loop

    def on_training_started(self, net: Any, train_history: History) -> None:
        """Prepare for a training; `train_history` is that of earlier ones."""

    def __call__(self, net: Any, train_history: History) -> None:
        """Look at an epoch that has ended: the last row of `train_history`.

        Parameters
        ----------
        net : kfkd.estimator.NeuralNet
        train_history : list of dict
            ``net.train_history_``.

        Raises
        ------
        StopIteration
            To end the training.
        """

    def before_next_epoch(self, net: Any, epoch: int) -> bool:
        """Decide whether the next epoch may start before this one has ended.

        It is called, with `supports_overlap`, when the epoch of this number has
        started.  What ``__call__`` would change in the net after the epoch must be
        changed here.  When ``__call__`` is called, the net may have the weights of the
        next epoch.  Those of the epoch that has ended are returned by
        ``self.loop.snapshot(variables)``, which takes a list of shared variables, such
        as ``lasagne.layers.get_all_params(net.get_output_layers())``.

        Parameters
        ----------
        net : kfkd.estimator.NeuralNet
        epoch : int

        Returns
        -------
        bool
        """
        return True

    def on_training_finished(self, net: Any, train_history: History) -> None:
        """Clean up after a training, however it has ended."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint saves of this callback."""
        return {k: v for k, v in vars(self).items() if k != "loop"}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned in an earlier process."""
        set_attributes(self, state)

    # A copy or a pickle does not hold the current training either.
    __getstate__ = state_dict
