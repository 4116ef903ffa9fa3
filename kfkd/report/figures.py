"""The tutorial's figures, drawn for nets that have been trained."""

import io

from kfkd import data, plots
from kfkd.messages import count
from kfkd.plots.drawing import DPI
from kfkd.prediction import predict
from kfkd.report.document import Figure
from kfkd.report.tables import label

__all__ = [
    "FACES",
    "comparison",
    "comparisons",
    "curves",
    "flip",
    "predictions",
    "specialists",
    "weights",
]

FACES = 16
PROBLEMATIC = 6  # the tutorial compares two nets on this image of the test set

# The nets whose learning curves the tutorial compares; of dropout it has none.
COMPARED = (
    ("net1", "net2"),
    ("net2", "net3"),
    ("net2", "net3", "net4", "net5"),
    ("net5", "net6", "net7", "net12"),
)


def _figure(ax, caption, alt):
    picture = io.BytesIO()
    ax.get_figure(root=True).savefig(picture, format="png", dpi=DPI)
    return Figure(picture.getvalue(), caption, alt)


def _listed(names):
    *others, last = names
    return f"{', '.join(others)} and {last}"


def curves(name, net):
    """Return the learning curves of one net."""
    return _figure(
        plots.plot_learning_curves({name: net}),
        "",
        f"Errors of {name} in training and validation over the epochs",
    )


def comparisons(nets):
    """Return learning curves of several nets, as in the tutorial, and of all."""
    groups = [tuple(name for name in group if name in nets) for group in COMPARED]
    if len(nets) > 2:
        groups.append(tuple(nets))
    return [
        _figure(
            plots.plot_learning_curves({name: nets[name] for name in names}),
            f"{_listed(names)}." if len(names) > 2 else "",
            f"Errors of {_listed(names)} in training and validation over the epochs",
        )
        for names in dict.fromkeys(groups)
        if len(names) > 1
    ]


def specialists(nets, how):
    """Return the learning curves of specialists; `how` says what they started from."""
    return _figure(
        plots.plot_specialists(nets),
        f"The specialists, {how}.",
        "Errors of six specialists over the share of their training",
    )


def predictions(name, net, X):
    """Return the first faces with the points that a net predicts for them."""
    X = X[:FACES]
    y = data.from_pixels(predict(net, X).to_numpy())
    who, faces = label(name), count(len(X), "face")
    return _figure(
        plots.plot_predictions(X, y),
        f"Predictions of {who} for {faces} not seen in training.",
        f"{faces} with the key points that are predicted by {who}",
    )


def comparison(nets, X):
    """Return one face with the points that several nets predict for it."""
    return _figure(
        plots.plot_comparison(nets, X, min(PROBLEMATIC, len(X) - 1)),
        f"One face, and what {_listed(nets)} predict.",
        f"A face with the key points that {_listed(nets)} predict, side by side",
    )


def flip(X, y):
    """Return a training face beside its flipped copy."""
    index = min(1, len(X) - 1)
    return _figure(
        plots.plot_flip(X[index], y[index]),
        "A face of the training set and its flipped copy, which nets with augmentation "
        "see half of the time. The tutorial's figure flips the image alone.",
        "A face and its mirror image, each with its key points",
    )


def weights(name, net):
    """Return the weights of a net's first layer."""
    return _figure(
        plots.plot_weights(net),
        f"What the first layer of {name} looks for.",
        f"The weights of the first layer of {name} as small images",
    )
