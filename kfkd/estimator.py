"""nolearn's NeuralNet on today's devices."""

import contextlib
import functools

import lasagne
import numpy as np
import nolearn.lasagne as nolearn

from kfkd.callbacks import PrintTables

__all__ = ["NeuralNet"]


class NeuralNet(nolearn.NeuralNet):
    """nolearn's NeuralNet 0.6.1, compiled by :mod:`kfkd.xla`.

    Parameters, methods and results are those of ``nolearn.lasagne.NeuralNet``, except
    for these:

    - The layers and epochs are printed as in the tutorial, every `log_every` epochs.
    - Callbacks in ``on_epoch_finished`` are told when training starts and, however it
      does, ends (see :mod:`kfkd.callbacks`).
    - A pickle holds the definition and the values of the parameters instead of
      Theano's graphs, so that it is small and needs no raised recursion limit; the
      layers are made anew from it.

    Attributes
    ----------
    log_every : int
        Print every so many epochs (if ``verbose``).
    epochs_ : int
        How many epochs the current or latest training was to last.
    interrupted_ : bool
        Whether the latest training was ended by Ctrl-C.
    """

    log_every = 1
    interrupted_ = False

    @functools.wraps(nolearn.NeuralNet.__init__)
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.verbose:  # what the constructor has added; see train_loop
            self.on_epoch_finished.pop()
            self.on_training_started.pop()

    def seed(self, seed):
        """Let all random numbers follow from `seed`.

        Parameters
        ----------
        seed : int
            Of the initial weights, the noise layers and the batch iterator.  To be set
            before the net is initialised, that is before its first ``fit``.

        Returns
        -------
        NeuralNet
            The net itself.
        """
        if getattr(self, "_initialized", False):
            raise RuntimeError(
                "The net has its weights already; call seed() before the first fit, or "
                "on a fresh net: make(name) or sklearn.base.clone(net)"
            )
        lasagne.random.set_rng(np.random.RandomState(seed))
        self.batch_iterator_train.random.seed(seed)
        return self

    def _check_good_input(self, X, y=None):
        X, y = super()._check_good_input(X, y)
        if not hasattr(X, "shape"):
            return X, y
        expected = next(iter(self.layers_.values())).shape
        fits = len(expected) == X.ndim and all(
            n is None or n == m for n, m in zip(expected[1:], X.shape[1:], strict=True)
        )
        if not fits:
            n = "n, " + ", ".join(map(str, expected[1:]))
            raise ValueError(
                f"X has the shape {X.shape}, the net takes ({n}): kfkd.data.load gives "
                "rows of pixels, load2d images"
            )
        outputs = self._output_layers[-1].output_shape[1:]
        if y is not None and self.regression and y.shape[1:] != outputs:
            raise ValueError(
                f"y has the shape {y.shape}, but the net has {outputs[0]} outputs; set "
                f"output_num_units={y.shape[-1]}"
            )
        return X, y

    def fit(self, X, y, epochs=None):
        """Train for `epochs` epochs, by default for ``max_epochs``.

        Parameters
        ----------
        X : array, shape (n, 9216) or (n, 1, 96, 96)
            Grey values in [0, 1].
        y : array, shape (n, outputs)
            Coordinates in [-1, 1].
        epochs : int, optional

        Returns
        -------
        NeuralNet
            The net itself.

        Raises
        ------
        ValueError
            If the shapes do not fit the net's, or each other.
        """
        if getattr(self, "_output_layers", None) is None:
            self.initialize_layers()
        self.interrupted_ = False
        return super().fit(X, y, epochs)

    def train_loop(self, X, y, epochs=None):
        """Run nolearn's loop, with the log and the callbacks' beginning and end."""
        self.epochs_ = epochs or self.max_epochs
        handlers = self.on_epoch_finished
        callbacks = (
            list(handlers) if isinstance(handlers, (list, tuple)) else [handlers]
        )
        if self.verbose:
            # Before the others, one of which may end training.
            callbacks.insert(0, PrintTables(self.log_every))
        self.on_epoch_finished = callbacks
        try:
            self._tell("on_training_started", callbacks)
            super().train_loop(X, y, self.epochs_)
        except KeyboardInterrupt:
            self.interrupted_ = True
            raise
        finally:
            self.on_epoch_finished = handlers
            self._tell("on_training_finished", callbacks)

    def _tell(self, event, callbacks):
        for callback in callbacks:
            method = getattr(callback, event, None)
            if method is not None:
                method(self, self.train_history_)

    def load_params_from(self, source):
        """Load parameters as nolearn does, but say so only at ``verbose=2`` or more."""
        verbose, self.verbose = self.verbose, max(self.verbose - 1, 0)
        try:
            super().load_params_from(source)
        finally:
            self.verbose = verbose

    def __getstate__(self):
        state = super().__getstate__()
        if isinstance(self.layers[0], lasagne.layers.Layer):
            return state  # without a definition to make the layers from
        if "layers_" in state:
            state["_values"] = self.get_all_params_values()
            del state["layers_"], state["_output_layers"]
        return state

    def __setstate__(self, state):
        values = state.pop("_values", None)
        self.__dict__.update(state)
        if values is not None:
            with _rng_left_alone():
                self.initialize()
            self.load_params_from(values)


@contextlib.contextmanager
def _rng_left_alone():
    """Draw weights, that will be overwritten, from another generator than Lasagne's."""
    rng = lasagne.random.get_rng()
    lasagne.random.set_rng(np.random.RandomState(0))
    try:
        yield
    finally:
        lasagne.random.set_rng(rng)
