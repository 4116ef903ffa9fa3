"""A photograph that Matplotlib ships, and where the eyes in it are."""

import numpy as np
from matplotlib import cbook
from PIL import Image

PATH = str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
# The middles of the irises, as seen in the image at four times its size: the right
# eye, then the left one, x and y in pixels.
EYES = np.array([[222.0, 190.0], [308.0, 187.0]])


def portrait():
    """Return the photograph, of 512 x 600 pixels."""
    return Image.open(PATH).convert("RGB")


def portrait_bytes():
    """Return the content of its file."""
    with open(PATH, "rb") as file:
        return file.read()
