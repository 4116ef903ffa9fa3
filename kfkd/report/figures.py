"""The tutorial's figures of nets that have been trained, as files."""

from kfkd import data, plots
from kfkd.messages import count
from kfkd.prediction import predict
from kfkd.report.document import Figure
from kfkd.report.tables import label

__all__ = ["FACES", "Painter"]

FACES = 16
PROBLEMATIC = 6  # the tutorial compares two nets on this image of the test set

# The nets whose learning curves the tutorial compares; of dropout it has none.
COMPARED = (
    ("net1", "net2"),
    ("net2", "net3"),
    ("net2", "net3", "net4", "net5"),
    ("net5", "net6", "net7", "net12"),
)


class Painter:
    """Draws figures into a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Exists.
    """

    def __init__(self, folder):
        self.folder = folder

    def _save(self, ax, name, caption, alt):
        path = self.folder / f"{name}.png"
        plots.save_figure(ax, path)
        return Figure(path, caption, alt)

    def curves(self, name, net):
        """Draw the learning curves of one net."""
        return self._save(
            plots.plot_learning_curves({name: net}),
            f"curves-{name}",
            "",
            f"Errors of {name} in training and validation over the epochs",
        )

    def comparisons(self, nets):
        """Draw learning curves of several nets, as the tutorial does, and of all."""
        groups = [tuple(name for name in group if name in nets) for group in COMPARED]
        if len(nets) > 2:
            groups.append(tuple(nets))
        figures, drawn = [], set()
        for names in groups:
            if len(names) < 2 or names in drawn:
                continue
            drawn.add(names)
            listed = f"{', '.join(names[:-1])} and {names[-1]}"
            figures.append(
                self._save(
                    plots.plot_learning_curves({name: nets[name] for name in names}),
                    f"curves-{'-'.join(names)}",
                    f"{listed}." if len(names) > 2 else "",
                    f"Errors of {listed} in training and validation over the epochs",
                )
            )
        return figures

    def specialists(self, kind, nets):
        """Draw the learning curves of a set of specialists."""
        how = dict(scratch="from random weights", pretrained="from a trained net")
        return self._save(
            plots.plot_specialists(nets),
            f"curves-specialists-{kind}",
            f"The specialists that started {how[kind]}.",
            "Errors of six specialists over the share of their training",
        )

    def predictions(self, name, net, X):
        """Draw what a net predicts for the first faces."""
        X = X[:FACES]
        y = data.from_pixels(predict(net, X).to_numpy())
        who, faces = label(name), count(len(X), "face")
        return self._save(
            plots.plot_predictions(X, y),
            f"predictions-{name}",
            f"Predictions of {who} for {faces} not seen in training.",
            f"{faces} with the key points that are predicted by {who}",
        )

    def comparison(self, nets, X):
        """Draw what several nets predict for one face."""
        index = min(PROBLEMATIC, len(X) - 1)
        *others, last = nets
        listed = f"{', '.join(others)} and {last}"
        return self._save(
            plots.plot_comparison(nets, X, index),
            f"comparison-{'-'.join(nets)}",
            f"One face, and what {listed} predict.",
            f"A face with the key points that {listed} predict, side by side",
        )

    def flip(self, X, y):
        """Draw a training face beside its flipped copy."""
        index = min(1, len(X) - 1)
        return self._save(
            plots.plot_flip(X[index], y[index]),
            "flip",
            "A face of the training set and its flipped copy, as the nets from net3 "
            "on see it every other time. The tutorial's figure flips the image alone.",
            "A face and its mirror image, each with its key points",
        )

    def weights(self, name, net):
        """Draw the weights of a net's first layer."""
        return self._save(
            plots.plot_weights(net),
            f"weights-{name}",
            f"What the first layer of {name} looks for.",
            f"The weights of the first layer of {name} as small images",
        )
