"""Errors that are the user's to correct; command lines print their message alone."""

__all__ = [
    "ArgumentError",
    "CheckpointError",
    "DataError",
    "DeviceError",
    "DeviceMemoryError",
    "DivergedError",
    "ExportError",
    "KfkdError",
    "NoDataError",
    "PlotError",
    "PrecisionError",
    "PredictionError",
    "SettingsError",
    "SpecialistError",
    "StackError",
    "StateError",
    "StorageError",
]


class KfkdError(Exception):
    """Base class of the errors of this package that are the user's to correct."""


class ArgumentError(KfkdError, ValueError, TypeError):
    """An argument of a function or class is not one that it takes.

    Wrong values and wrong types are one kind, as in scikit-learn.
    """


class DataError(KfkdError, ValueError):
    """The data cannot be used; the message says what is wrong, where, and what to do.

    It names the file and, where they are known, the line (counted from 1, the
    header included) and the column.
    """


class NoDataError(DataError):
    """The usual folders have no data, and no other folder was given.

    It is raised only if neither an argument nor ``KFKD_DATA`` names a folder.  A
    command line may use drawn faces then, as the user has not asked for other data.
    """


class DeviceError(KfkdError, RuntimeError):
    """The device asked for is not there, or its name is not understood."""


class DeviceMemoryError(KfkdError, MemoryError):
    """The device has too little free memory for what it is to compute."""


class DivergedError(KfkdError, FloatingPointError):
    """A loss is not finite any more; the net has the weights from before that."""


class ExportError(KfkdError, ValueError):
    """A net cannot be exported; the message names the layer, or what else is wrong."""


class PlotError(KfkdError, ValueError):
    """What is given cannot be drawn, or not in the format asked for."""


class PrecisionError(KfkdError, ValueError):
    """The precision asked for is not known."""


class PredictionError(KfkdError, ValueError):
    """A net, or a set of specialists, cannot give the predictions asked for."""


class SettingsError(KfkdError, ValueError):
    """THEANO_FLAGS or .theanorc has a value that Theano does not take."""


class SpecialistError(KfkdError, RuntimeError):
    """Specialists cannot be trained as asked for, or the training of some has failed.

    The message names them, and the reason.
    """


class StackError(KfkdError, ImportError):
    """The packages that kfkd stands on are not the ones that it needs."""


class StateError(KfkdError, RuntimeError):
    """What is asked of a net or a process is not possible any more, or not yet."""


class StorageError(KfkdError, RuntimeError):
    """A file cannot be written, or is not what it should be."""


class CheckpointError(StorageError):
    """Training cannot be resumed from a checkpoint."""
