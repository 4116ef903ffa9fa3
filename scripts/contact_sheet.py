"""Draw a contact sheet of drawn faces with their key points: docs/faces.png."""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from kfkd import faces
from kfkd.data import COLUMNS

ROOT = Path(__file__).resolve().parent.parent
GAP = 2
LEFT, RIGHT = (255, 165, 0), (0, 191, 255)


def sheet(rows, seed, scale):
    """Draw rows * rows faces, enlarged, left parts in orange, all others in blue.

    Parameters
    ----------
    rows, seed, scale : int
        Faces in a row and in a column, the seed, the enlargement.

    Returns
    -------
    PIL.Image.Image
    """
    images, points = faces.draw(rows * rows, seed)
    tile = images.shape[1] * scale
    # 64 greys and two colours in a palette: a third of the size of RGB.
    picture = Image.new("P", (rows * (tile + GAP) - GAP,) * 2, 63)
    grey = [value * 255 // 63 for value in range(64) for _ in range(3)]
    picture.putpalette([*grey, *LEFT, *RIGHT])
    pen = ImageDraw.Draw(picture)
    for i, (image, where) in enumerate(zip(images, points.tolist(), strict=True)):
        left, top = (part * (tile + GAP) for part in (i % rows, i // rows))
        large = Image.fromarray(image).resize((tile, tile), Image.Resampling.BICUBIC)
        large = np.asarray(large) // 4
        picture.paste(Image.fromarray(large), (left, top))
        for name, x, y in zip(COLUMNS[::2], where[::2], where[1::2], strict=True):
            x, y = left + x * scale, top + y * scale
            colour = 64 if "left" in name else 65
            pen.ellipse([x - scale, y - scale, x + scale, y + scale], fill=colour)
    return picture


def main(arguments=None):
    """Parse the command line and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    help_text = "file to write (default: docs/faces.png)"
    parser.add_argument("--out", default=ROOT / "docs" / "faces.png", help=help_text)
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    help_text = "faces in a row and in a column (default: %(default)s)"
    parser.add_argument("--rows", type=int, default=8, help=help_text)
    help_text = "enlargement (default: %(default)s)"
    parser.add_argument("--scale", type=int, default=2, help=help_text)
    options = parser.parse_args(arguments)
    picture = sheet(options.rows, options.seed, options.scale)
    picture.save(options.out, optimize=True)
    print(f"Wrote {options.out}")


if __name__ == "__main__":
    main()
