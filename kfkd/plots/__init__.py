"""The figures of the tutorial, drawn without a display.

>>> from kfkd import plots
>>> axes = plots.plot_learning_curves({"net1": net1, "net2": net2})
>>> plots.save_figure(axes, "lc2.png")

Each function draws into the Axes that it is given, such as those of
``pyplot.subplots()`` in a notebook, and otherwise into a new figure of its own. The
colours are those of Okabe and Ito, which colour-blind readers can tell apart too.
"""

from kfkd.errors import PlotError

from .curves import plot_learning_curves, plot_specialists
from .drawing import FORMATS, check_format, save_figure
from .samples import plot_comparison, plot_flip, plot_predictions, plot_sample
from .weights import plot_weights

__all__ = [
    "FORMATS",
    "PlotError",
    "check_format",
    "plot_comparison",
    "plot_flip",
    "plot_learning_curves",
    "plot_predictions",
    "plot_sample",
    "plot_specialists",
    "plot_weights",
    "save_figure",
]
