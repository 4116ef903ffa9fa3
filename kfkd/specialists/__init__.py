"""Six nets, each for some of the key points (section "Training specialists").

>>> from kfkd.specialists import fit_specialists
>>> specialists = fit_specialists("net6.pickle", n_jobs=2)

:mod:`.settings` has the columns of each, :mod:`.plan` what it is made from,
:mod:`.pretraining` the weights to start from, and :mod:`.resume` what earlier calls
have left.  :mod:`.parallel` trains them, each by :mod:`.worker`, and :mod:`.fit` does
all of this in turn.  :mod:`kfkd.jobs` shares the work out, shows its progress and keeps
the results.
"""

from kfkd.errors import SpecialistError
from kfkd.specialists.fit import fit_specialists
from kfkd.specialists.settings import SPECIALIST_SETTINGS

__all__ = ["SPECIALIST_SETTINGS", "SpecialistError", "fit_specialists"]
