"""The numbers that the tutorial of 2014 gives, to compare a reproduction with."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

__all__ = [
    "DESCRIPTIONS",
    "LEADERBOARD",
    "LOSSES",
    "PLAIN_TRAIN_LOSS",
    "TIMES",
    "URL",
    "Losses",
]

URL = (
    "https://danielnouri.org/notes/2014/12/17/"
    "using-convolutional-neural-nets-to-detect-facial-keypoints-tutorial/"
)


class Losses(NamedTuple):
    """A row of a table that is printed while a net trains."""

    epoch: int
    train: float
    valid: float
    ratio: float


def _read_losses():
    table = pd.read_csv(Path(__file__).with_name("losses.csv"))
    table["ratio"] = table["ratio"].fillna(table["train"] / table["valid"])
    return {
        net: [*map(Losses._make, rows[[*Losses._fields]].itertuples(index=False))]
        for net, rows in table.groupby("net", sort=False)
    }


# The rows that the tutorial prints for each net, without the neighbours of round
# epochs. For net1 it prints a summary alone.
LOSSES = _read_losses()

# What each net changes, from the table at the end of the section "Dropout". There,
# net12 is called net7 and described as "net6 + epochs"; the text's net7 is missing.
DESCRIPTIONS = {
    "net1": "single hidden",
    "net2": "convolutions",
    "net3": "augmentation",
    "net4": "mom + lr adj",
    "net5": "net4 + augment",
    "net6": "net5 + dropout",
    "net7": "net6 + units",
    "net12": "net7 + epochs",
}

# The loss of net6 without dropout, on all faces, of training and validation.
PLAIN_TRAIN_LOSS = {"net6": 0.0010073791}

# How long training took: the words of the text, and the seconds that they amount to.
TIMES = {
    "net2": ("more than 20 minutes", 20 * 60),
    "net3": ("an hour", 60 * 60),
    "specialists-scratch": ("half a day", 12 * 60 * 60),
}

# Pixels, of the six specialists.
LEADERBOARD = {"specialists-scratch": 2.17, "specialists-pretrained": 2.13}
