"""Results of a long job, each kept as it arrives, with what it was made from."""

import hashlib
import json
import pathlib

from kfkd import storage
from kfkd.callbacks.checkpoint import Checkpoint

__all__ = ["Parts"]


class Parts:
    """A folder of results.

    ``name.pickle`` is a part, ``name.json`` says what it was made from, and
    ``name.log`` how.  ``name.checkpoint`` is there while it is being made.

    Parameters
    ----------
    folder : path
    """

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    @classmethod
    def beside(cls, out):
        """Return the folder for the parts of which an output file will be made.

        Parameters
        ----------
        out : path
            ``net-specialists.pickle`` has its parts in ``net-specialists.parts``.
        """
        return cls(pathlib.Path(out).with_name(f"{storage.stem(out)}.parts"))

    def make_folder(self):
        """Make the folder.

        Raises
        ------
        StorageError
            If that is not possible, or nothing can be written there.
        """
        storage.make_folder(self.folder)

    def log(self, name):
        """Return the path of a part's log."""
        return self.folder / f"{name}.log"

    def checkpoint(self, name):
        """Return the checkpoint of the training that makes a part."""
        return Checkpoint((self.folder / f"{name}.checkpoint").absolute())

    def save(self, name, pickled, made_from):
        """Keep a part, in place of an older one.

        Parameters
        ----------
        name : str
        pickled : bytes
        made_from : dict
            Of what JSON can hold.
        """
        with storage.written_atomically(self._path(name)) as draft:
            draft.write_bytes(pickled)
        record = dict(made_from, pickle=hashlib.blake2b(pickled).hexdigest())
        with storage.written_atomically(self.folder / f"{name}.json") as draft:
            draft.write_text(json.dumps(record, indent=1) + "\n")
        self.checkpoint(name).remove()

    def made_from(self, name):
        """Return what a part was made from; None if there is none, or it is damaged."""
        try:
            record = json.loads((self.folder / f"{name}.json").read_text())
            digest = record.pop("pickle")
            with open(self._path(name), "rb") as file:
                found = hashlib.file_digest(file, hashlib.blake2b).hexdigest()
        except (OSError, ValueError, KeyError, AttributeError):
            return None
        return record if found == digest else None

    def load(self, name):
        """Load a part."""
        return storage.load(self._path(name))

    def _path(self, name):
        return self.folder / f"{name}.pickle"
