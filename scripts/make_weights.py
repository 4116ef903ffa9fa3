"""Train the net that comes with the package, kfkd/weights/modern.npz.

It is modern, trained on drawn faces alone.  They have all their labels, in both ways to
mark faces, and turn their heads as people do in photographs that were not made for a
competition.  Training can be interrupted: the same command goes on.
"""

import argparse

import numpy as np

from kfkd import data, faces, nets, storage, weights
from kfkd.callbacks.checkpoint import Checkpoint, fit_with
from kfkd.data.origin import Origin, remember

FACES, TURN, EPOCHS, SEED = 20_000, 20, 60, 2014


def draw():
    """Return X in [0, 1] and y in [-1, 1], in the order of ``data.ALL_COLUMNS``."""
    images, points = faces.draw(FACES, SEED, turn=TURN)
    X = data.scale_images(images.reshape(FACES, -1))
    full = dict(zip(data.COLUMNS, points.T, strict=True))
    sparse = dict(zip(data.COLUMNS, faces.mark_sparsely(points).T, strict=True))
    y = [*full.values()]
    y += [sparse[name.removeprefix("sparse_")] for name in data.SPARSE_COLUMNS]
    return X, data.from_pixels(np.stack(y, axis=1)).astype(np.float32)


def main():
    """Parse the command line, train, save."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    help_text = "file to write (default: kfkd/weights/modern.npz)"
    parser.add_argument("--out", default=weights.PATH, help=help_text, metavar="FILE")
    args = parser.parse_args()
    net = nets.make("modern", max_epochs=EPOCHS).seed(SEED)
    X, y = draw()
    drawn = Origin("drawn", FACES, FACES, f"kfkd.faces {faces.VERSION}", "")
    remember(X, drawn, data.ALL_COLUMNS)
    checkpoint = Checkpoint.beside(args.out, resume=True, minutes=2)
    fit_with(checkpoint, net, net.reshape_input(X), y)
    if not net.interrupted_:
        storage.save(net, args.out, half=True)
        checkpoint.remove()


if __name__ == "__main__":
    main()
