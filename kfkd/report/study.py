"""The subject of a page: trained nets, their data, and their scores."""

import functools
import math

from kfkd import data, nets
from kfkd.history import Result
from kfkd.messages import count
from kfkd.report import figures, results

__all__ = ["Study"]


class Study:
    """The results of a reproduction.

    Parameters
    ----------
    settings : kfkd.reproduction.Settings
    runs : dict of str to kfkd.reproduction.Run
    command : str
        The command line that does the same again.
    """

    def __init__(self, settings, runs, command):
        self.settings, self.runs, self.command = settings, runs, command
        self.scale = settings.epochs_scale
        # Runs of single nets; those that have a net; those that have not diverged.
        self.singles = {name: runs[name] for name in settings.names() if name in runs}
        self.trained = {n: run for n, run in self.singles.items() if run.net}
        self.usable = {n: run for n, run in self.trained.items() if not run.problem}
        # Runs of sets of specialists that have nets.
        self.specialists = {
            n: run for n, run in runs.items() if n not in self.singles and run.net
        }
        scored = self.usable | self.specialists
        self.scored = {name: run.net for name, run in scored.items()}
        # Single nets whose losses are numbers, at least at first.
        self.drawable = {
            name: run.net
            for name, run in self.trained.items()
            if math.isfinite(run.net.train_history_[0]["valid_loss"])
        }

    def best(self):
        """Return the name of the usable net with the lowest validation loss."""
        return min(
            self.usable,
            key=lambda name: Result(self.usable[name].net).best["valid_loss"],
        )

    @functools.cached_property
    def _table(self):
        return data.read("training", self.settings.folder)

    @property
    def origin(self):
        """Which data the training set is."""
        return self._table.origin

    @functools.cached_property
    def data_size(self):
        """How many faces there are, for people."""
        try:
            tests = len(data.read("test", self.settings.folder).images)
        except data.DataError:
            return self.origin.size
        return f"{self.origin.size}; {count(tests, 'test face')}"

    def _rows(self, columns=None, missing="drop"):
        return data.training_rows(
            self._table,
            columns,
            holdout=self.settings.holdout,
            folder=self.settings.folder,
            missing=missing,
        )

    def count_rows(self, columns):
        """Return how many faces a specialist is trained and validated on."""
        return len(self._rows(columns))

    @functools.cached_property
    def arrays(self):
        """X of shape (n, 9216) and y of shape (n, 30), as the nets were given them."""
        return self._arrays(missing="drop", cols=None)

    def arrays_of(self, name):
        """Return X and y as a single net was given them."""
        return self._arrays(**nets.load_options(self.trained[name].net))

    @functools.lru_cache(2)  # noqa: B019  (there is one study)
    def _arrays(self, missing, cols):
        rows = self._rows(cols, missing)
        cols = cols or data.COLUMNS
        return data.arrays(self._table.images, self._table.labels, rows, cols)

    @functools.cached_property
    def unseen(self):
        """Faces to show predictions for: the test set's, else the validation set's."""
        try:
            images = data.read("test", self.settings.folder).images
        except data.DataError:
            net = nets.make("net1")  # every net splits the data in the same way
            _, X, _, _ = net.train_split(*self.arrays, net)
            return X
        return data.scale_images(images[: figures.FACES])

    @functools.cached_property
    def test_scores(self):
        """Kaggle's scores on the test set, in pixels, if its labels are known."""
        return results.score_test_set(self.scored, self.settings.folder)

    @functools.cached_property
    def held_out_scores(self):
        """Kaggle's scores on the rows held out, in pixels."""
        return results.score_held_out(
            self.scored, self.settings.holdout, self.settings.folder
        )

    def nets_by(self, key):
        """Return devices, or versions of a package, each with the names of its nets."""
        found = {}
        for name, run in self.runs.items():
            value = run.record.get(key) or run.record.get("versions", {}).get(key)
            if value:
                found.setdefault(value, []).append(name)
        return found
