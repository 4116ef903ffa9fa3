"""nolearn's NeuralNet on today's devices."""

import contextlib
import functools
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, Self

import nolearn.lasagne as nolearn
import numpy as np
from numpy.typing import ArrayLike

from kfkd.arguments import check
from kfkd.callbacks.checkpoint import Checkpoint
from kfkd.callbacks.progress import PrintTables
from kfkd.callbacks.time_left import TimeLeft
from kfkd.errors import ArgumentError, KfkdError, StateError
from kfkd.mirrored import average_mirrored
from kfkd.stack.nolearn_batches import keeps_shapes, makes_batches
from kfkd.stack.nolearn_changes import UNPICKLED
from kfkd.stack.nolearn_labels import encode_labels
from kfkd.training import provenance
from kfkd.training.batches import check_batch
from kfkd.training.checks import check_callbacks, check_mirror, check_parameters
from kfkd.training.compiled import compile_lazily, without_debug_checks
from kfkd.training.hooks import listed
from kfkd.training.inputs import (
    as_array,
    as_arrays,
    check_columns,
    check_targets,
    check_values,
)
from kfkd.training.loop import TrainingLoop
from kfkd.training.predictions import PredictionsMixin
from kfkd.training.seeding import seeded_initialization
from kfkd.training.targets import as_targets
from kfkd.training.weights import WeightsMixin
from kfkd.xla.device import memory_errors_explained

__all__ = ["NeuralNet"]

_SIGNATURE = inspect.signature(nolearn.NeuralNet.__init__)
# What the first training makes before it begins.
_MADE = (
    *("layers_", "_output_layers", "_initialized", "_originals", *UNPICKLED),
    *("enc_", "classes_", "n_features_in_", "feature_names_in_"),
)
*_NAMED, _FURTHER = _SIGNATURE.parameters.values()
_OWN = [
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
    for name, default in (("log_every", 1), ("mirror", False))
]


class NeuralNet(PredictionsMixin, WeightsMixin, nolearn.NeuralNet):
    """nolearn's NeuralNet 0.6.1, compiled by :mod:`kfkd.xla`.

    Parameters, methods and results are those of ``nolearn.lasagne.NeuralNet``, except
    for these:

    - The layers and epochs are printed as in the tutorial, every `log_every` epochs;
      bars, and how long it takes, are shown on standard error (:mod:`kfkd.progress`).
    - Callbacks in ``on_epoch_finished`` are told when training starts and, however it
      does, ends (see :mod:`kfkd.callbacks`).
    - Ctrl-C ends training between two batches, never within one.
    - Each net has batch iterators and a split of its own, where nolearn's nets share
      those that are not given.  The data stay as they are, whatever these do.
    - Several threads may call ``predict`` at once, also while the net is trained.
    - Functions are compiled when they are first needed, in mode ``"xla"``: another
      one counts if the program sets ``theano.config.mode``, not if .theanorc has it.
    - Changed parameters count from the next epoch on; velocities stay.  Those of layers
      cannot change once there are weights: that is a StateError in the next training.
    - What does not fit the net is an error before training starts, also in
      ``predict`` and in ``load_params_from``.
    - `X` and `y` may be of any type of numbers, as long as no value becomes another.
    - ``predict`` of a regression returns a vector if `y` was one, as scikit-learn does.
    - ``use_label_encoder`` keeps the labels of the first training in later ones.
    - A classifier of one output tells two classes apart, 0 or -1 from 1, and
      ``predict_proba`` has a column for each; nolearn's predicts 0 alone.
    - ``score`` of a regression compares predictions with the truth.
    - A pickle holds the definition and the values of the parameters instead of
      Theano's graphs, so that it is small and needs no raised recursion limit; the
      layers are made anew from it.  The momentum's velocities start at zero again.

    Parameters
    ----------
    log_every : int, default=1
        Print every so many epochs, and the last (if ``verbose``).
    mirror : bool, default=False
        Average predictions over an image and its mirror image.  The train loss and the
        validation loss are without it.  It needs a ``batch_iterator_train`` with
        ``flip_indices``, such as a `FlipBatchIterator`.

    Attributes
    ----------
    epochs_ : int
        The number of epochs asked for in the current or latest training.
    interrupted_ : bool
        Whether the latest training was ended by Ctrl-C.
    trained_on_ : sequence of dict
        The data of each training, one after the other: the ``kind`` ("kaggle",
        "drawn", "other", or "unknown" if they are not from ``kfkd.data``), the
        number of ``faces``, the ``date``, the version of ``kfkd``, how many epochs
        came before (``after_epoch``), and of known data the ``file``, its
        ``fingerprint`` and the ``columns``.  Trainings on the same data are one, with
        the faces of the largest.  What weights that were taken over had been trained
        on is among them, "unknown" without a date if they came without a net.
    """

    mirror = False  # of nets in older pickles, too
    interrupted_ = False
    train_history_: list[dict[str, Any]]
    _initialized = False
    _of_vector = False
    _seed: int | None = None

    @functools.wraps(nolearn.NeuralNet.__init__)  # type: ignore[misc]
    def __init__(self, *args, log_every=1, mirror=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.log_every, self.mirror = log_every, mirror
        if self.verbose:  # what the constructor has added; see train_loop
            self.on_epoch_finished.pop()
            self.on_training_started.pop()

    __init__.__signature__ = _SIGNATURE.replace(  # type: ignore[attr-defined]
        parameters=[*_NAMED, *_OWN, _FURTHER]
    )

    def seed(self, seed: int) -> Self:
        """Seed initialisation, noise and batches.

        Parameters
        ----------
        seed : int
            Of the initial weights, the noise layers and the batch iterator.  Clones
            do not take it over.

        Returns
        -------
        NeuralNet
            The net itself.

        Raises
        ------
        ArgumentError
            If it is not a whole number from 0 to 2**32 - 1.
        StateError
            If the net has its weights already.
        """
        if hasattr(self, "layers_"):
            raise StateError(
                "The net has its weights already; call seed() before the first fit, or "
                "on a fresh net: make(name) or sklearn.base.clone(net)"
            )
        try:
            self.batch_iterator_train.random.seed(seed)
        except (TypeError, ValueError):
            check("seed", seed, False, "a whole number from 0 to 2**32 - 1")
        self._seed = seed
        return self

    def reshape_input(self, X: np.ndarray) -> np.ndarray:
        """Return images, flat or not, in the shape that this net takes.

        Parameters
        ----------
        X : array, shape (n, 9216) or (n, 1, 96, 96)

        Returns
        -------
        array

        Raises
        ------
        ArgumentError
            If the images have another size.
        """
        shape = self.input_shape[1:]
        if X.size != len(X) * math.prod(shape):
            raise ArgumentError(
                f"X has the shape {X.shape}, the net takes {('n', *shape)}"
            )
        return X.reshape(-1, *shape)

    def initialize_layers(self, layers=None):
        """Make the layers, and draw their weights: from `seed`, if it was called."""
        with seeded_initialization(self._seed), without_debug_checks():
            try:
                return super().initialize_layers(layers)
            except (KeyError, TypeError, ValueError) as error:
                if isinstance(error, KfkdError):
                    raise
                if isinstance(error.__context__, KfkdError):  # what nolearn hides
                    raise error.__context__ from None
                unknown = "no layer is called " * isinstance(error, KeyError)
                raise ArgumentError(
                    f"The layers cannot be made: {unknown}{error}"
                ) from error

    @functools.wraps(PredictionsMixin.predict_proba)
    def predict_proba(self, X):
        """Return the outputs, averaged over mirrored images if the net wants that."""
        if not self.mirror:
            return super().predict_proba(X)
        check_mirror(self)
        pairs = self.batch_iterator_train.flip_indices
        return average_mirrored(super().predict_proba, as_arrays(X), pairs)

    def _create_iter_funcs(self, *args):
        return compile_lazily(self, *args)

    def _check_good_input(self, X, y=None):
        if y is None:
            is_batch = keeps_shapes(self.batch_iterator_test)
        else:
            is_batch = not makes_batches(self)
            if self.regression and y.ndim == 1 and self.y_tensor_type("y").ndim > 1:
                y = y.reshape(-1, 1)
            check_targets(self, y)
        if is_batch:
            check_batch(self, X)
        return X, y

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        epochs: int | None = None,
        *,
        checkpoint: Checkpoint | None = None,
        callbacks: Sequence[Callable[..., Any]] = (),
    ) -> Self:
        """Train for `epochs` epochs, by default for ``max_epochs``.

        Parameters
        ----------
        X : array, shape (n, 9216) or (n, 1, 96, 96)
            Grey values in [0, 1].
        y : array, shape (n, outputs)
            Coordinates in [-1, 1].
        epochs : int, optional
        checkpoint : kfkd.callbacks.Checkpoint, optional
            Saves the state of the training, and resumes it.
        callbacks : sequence of callables, default=()
            Called in this training alone, before those in ``on_epoch_finished``.

        Returns
        -------
        NeuralNet
            The net itself.

        Raises
        ------
        ArgumentError
            If the shapes do not fit the net's, or each other, or if a value is not
            finite, or a parameter is invalid.
        DataError
            If there are too few samples to set some aside for validation.
        CheckpointError
            If the training cannot be resumed.
        DivergedError
            If a loss is not finite any more; the net has the weights from before that
            epoch.
        DeviceMemoryError
            If the device has too little free memory.
        """
        check_parameters(self, epochs)
        callbacks = listed(callbacks)
        check_callbacks("callbacks", callbacks)
        is_valid = checkpoint is None or isinstance(checkpoint, Checkpoint)
        check("checkpoint", checkpoint, is_valid, "a kfkd.callbacks.Checkpoint")
        if y is None:
            raise ArgumentError(
                "A net requires y to be passed, but the target y is None"
            )
        is_fresh = not hasattr(self, "layers_")
        given, X, y = X, as_arrays(X), as_array("y", y)
        if self.check_input:
            check_values(self, X, y)
            check_columns(self, given, X, first=is_fresh)
        of_vector = np.ndim(y) == 1
        self.interrupted_ = False
        # As nolearn's, which has no callbacks to hand on.
        try:
            self.initialize()  # also if parameters have changed
            if self.check_input:
                X, y = self._check_good_input(X, y)
            if self.use_label_encoder:
                y = encode_labels(self, y)
            y = as_targets(self, y)
        except Exception:
            if is_fresh:  # the definition can still be changed
                for name in _MADE:
                    self.__dict__.pop(name, None)
            raise
        self._of_vector = of_vector
        done = len(self.train_history_)
        self.trained_on_ = provenance.extend(self.trained_on_, given, y, done)
        if checkpoint is not None:
            callbacks = [*callbacks, checkpoint]
        # A subclass may override train_loop as nolearn has it.
        further = {"callbacks": callbacks} if callbacks else {}
        with contextlib.suppress(KeyboardInterrupt):
            self.train_loop(X, y, epochs=epochs, **further)
        return self

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch.

        Parameters
        ----------
        X, y : arrays
            As for `fit`.
        classes : array, optional
            All labels that there are, for ``use_label_encoder``; by default those of
            the first training.

        Returns
        -------
        NeuralNet
            The net itself.
        """
        if classes is not None and self.use_label_encoder:
            encode_labels(self, np.asarray(classes))
        return self.fit(X, y, epochs=1)

    @memory_errors_explained()
    def train_loop(self, X, y, epochs=None, *, callbacks=()):
        """Run the training loop; parameters and errors are those of `fit`."""
        self.epochs_ = epochs or self.max_epochs
        printers = []
        given = [*callbacks, *listed(self.on_epoch_finished)]
        if self.verbose and not any(isinstance(c, PrintTables) for c in given):
            printers = [PrintTables(self.log_every), TimeLeft()]
        loop = TrainingLoop(self, X, y, self.epochs_, printers, callbacks)
        try:
            loop.run()
        except KeyboardInterrupt:
            self.interrupted_ = True
            raise
