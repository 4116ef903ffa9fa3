"""Results of a long job, each kept as it arrives, with its provenance."""

import contextlib
import functools
import hashlib
import json

from kfkd import storage
from kfkd.arguments import as_path
from kfkd.callbacks.checkpoint import Checkpoint
from kfkd.files import kinds, pickles
from kfkd.files.spare import save_or_spare
from kfkd.process.signals import hold_signals
from kfkd.storage.replaced import keep_replaced

__all__ = ["Results", "differences"]


class Results:
    """Folder of results.

    ``name.pickle`` is a result, ``name.json`` says what it was made from, and
    ``name.log`` how.  ``name.checkpoint`` is there while it is being made.

    Parameters
    ----------
    folder : path
    keep_old : bool, default=True
        Keep a result that is replaced by one of another training, as for
        `kfkd.storage.save`.
    """

    def __init__(self, folder, keep_old=True):
        self.folder = as_path(folder, "folder")
        self.keep_old = keep_old

    @classmethod
    def beside(cls, out, keep_old=True):
        """Return the results that make up an output file.

        Those of ``net-specialists.pickle`` are in ``net-specialists.parts``.
        """
        folder = as_path(out, "out").with_name(f"{storage.stem(out)}.parts")
        return cls(folder, keep_old)

    def files(self, name, net=kinds.NET):
        """Return what may be written for a result: the kinds of files by their paths.

        `net` is the kind of the net, or of the set of specialists.
        """
        found = {
            self._path(name): net,
            self._record(name): kinds.RECORD,
            self.log(name): kinds.LOG,
        }
        checkpoint = self.checkpoint(name)
        return found | dict.fromkeys(checkpoint.files.existing(), kinds.CHECKPOINT)

    def make_folder(self):
        """Create the folder; raise StorageError if nothing can be written there."""
        storage.make_folder(self.folder)

    def log(self, name):
        """Return the path of a result's log."""
        return self.folder / f"{name}.log"

    def checkpoint(self, name):
        """Return the checkpoint of the training that makes a result."""
        return Checkpoint((self.folder / f"{name}.checkpoint").absolute())

    def save(self, name, pickled, provenance):
        """Save a net, as `kfkd.storage.pickled` returns it, and what made it.

        Return where the old one is kept, if it is.
        """
        save = functools.partial(self._save, name, pickled, provenance)
        make_room = functools.partial(self.checkpoint(name).files.make_room, save)
        write = functools.partial(_write, pickled)
        with hold_signals():
            kept = save_or_spare(make_room, write, self._path(name).name)
            self.checkpoint(name).remove()
        return kept

    def _save(self, name, pickled, provenance):
        path, kept = self._path(name), None
        with contextlib.ExitStack() as stack:
            if self.keep_old:
                summaries = pickles.read_note(pickled)
                kept = stack.enter_context(keep_replaced(path, summaries))
            _write(pickled, path)
        record = dict(provenance, pickle=hashlib.blake2b(pickled).hexdigest())
        with storage.written_atomically(self._record(name)) as draft:
            draft.write_text(json.dumps(record, indent=1) + "\n")
        return kept

    def provenance(self, name):
        """Return what a result was made from; None if it is missing or damaged."""
        try:
            record = json.loads(self._record(name).read_text())
            digest = record.pop("pickle")
            with open(self._path(name), "rb") as file:
                found = hashlib.file_digest(file, hashlib.blake2b).hexdigest()
        except Exception:  # damage causes many kinds of errors
            return None
        return record if found == digest else None

    def load(self, name):
        """Load a result."""
        return storage.load(self._path(name))

    def _path(self, name):
        return self.folder / f"{name}.pickle"

    def _record(self, name):
        return self.folder / f"{name}.json"


def _write(pickled, path):
    with storage.written_atomically(path) as draft:
        draft.write_bytes(pickled)


# What stands in a provenance for something that is too long to print.
_LONG = {
    "data": "data",
    "weights": "weights",
    "pretrained_from": "weights to start from",
    "flip_indices": "flip indices",
}


def differences(before, now):
    """Return in words what of `now` differs in `before`, a result's provenance.

    The text is empty if nothing differs, or `before` is None.
    """
    if before is None:
        return ""
    now = json.loads(json.dumps(now))  # tuples become lists, as in the file
    missing = object()
    return ", ".join(
        f"other {_LONG.get(key, key)}"
        if key in _LONG or isinstance(value, (dict, list)) or key not in before
        else f"{key.replace('_', ' ')} {before[key]}, now {value}"
        for key, value in now.items()
        if before.get(key, missing) != value
    )
