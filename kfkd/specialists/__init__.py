"""Six nets, each for some of the key points (section "Training specialists").

>>> from kfkd.specialists import fit_specialists
>>> specialists = fit_specialists("net6.pickle", n_jobs=2)

The rooms: :mod:`.settings` says which columns each has, :mod:`.pretraining` what they
may start from, :mod:`.job` how one is trained, and :mod:`.fit` how all are.  That goes
through joblib (:mod:`.parallel`); each process takes its device by :mod:`.devices`;
news of it come through :mod:`.hub`, and :mod:`.board` shows them; :mod:`.parts` keeps
what is finished.
"""

from kfkd.errors import SpecialistError
from kfkd.specialists.fit import fit_specialists
from kfkd.specialists.settings import SPECIALIST_SETTINGS

__all__ = ["SPECIALIST_SETTINGS", "SpecialistError", "fit_specialists"]
