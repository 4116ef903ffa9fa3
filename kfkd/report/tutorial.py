"""The numbers that the tutorial of 2014 gives, to hold a reproduction to."""

from typing import NamedTuple

__all__ = [
    "FINAL",
    "LEADERBOARD",
    "LOSSES",
    "PLAIN_TRAIN_LOSS",
    "TIMES",
    "URL",
    "Final",
    "Losses",
]

URL = (
    "https://danielnouri.org/notes/2014/12/17/"
    "using-convolutional-neural-nets-to-detect-facial-keypoints-tutorial/"
)


class Losses(NamedTuple):
    """A row of a table that the tutorial prints while a net trains."""

    epoch: int
    train: float
    valid: float
    ratio: float | None


# Where it prints five epochs in a row, the neighbours of a round one are left out. Of
# net1 its summary at the end is taken.
LOSSES = {
    "net1": [Losses(400, 0.002244, 0.003255, None)],
    "net2": [
        Losses(1, 0.111763, 0.042740, 2.614934),
        Losses(2, 0.018500, 0.009413, 1.965295),
        Losses(3, 0.008598, 0.007918, 1.085823),
        Losses(4, 0.007292, 0.007284, 1.001139),
        Losses(5, 0.006783, 0.006841, 0.991525),
        Losses(500, 0.001791, 0.002013, 0.889810),
        Losses(1000, 0.001079, 0.001566, 0.688874),
    ],
    "net3": [
        Losses(500, 0.002238, 0.002303, 0.971519),
        Losses(1000, 0.001365, 0.001623, 0.841110),
        Losses(1500, 0.001067, 0.001457, 0.732018),
        Losses(2000, 0.000895, 0.001369, 0.653721),
        Losses(2500, 0.000761, 0.001320, 0.576831),
        Losses(3000, 0.000678, 0.001288, 0.526410),
    ],
    "net4": [
        Losses(50, 0.004216, 0.003996, 1.055011),
        Losses(100, 0.003533, 0.003382, 1.044791),
        Losses(250, 0.001557, 0.001781, 0.874249),
        Losses(500, 0.000915, 0.001433, 0.638702),
        Losses(750, 0.000653, 0.001355, 0.481806),
        Losses(1000, 0.000496, 0.001387, 0.357917),
    ],
    "net5": [
        Losses(50, 0.004317, 0.004081, 1.057609),
        Losses(100, 0.003756, 0.003535, 1.062619),
        Losses(250, 0.001765, 0.001845, 0.956560),
        Losses(500, 0.001135, 0.001437, 0.790225),
        Losses(750, 0.000878, 0.001313, 0.668903),
        Losses(1000, 0.000705, 0.001260, 0.559591),
        Losses(1500, 0.000492, 0.001199, 0.410526),
        Losses(2000, 0.000373, 0.001184, 0.315353),
    ],
    "net6": [
        Losses(50, 0.004619, 0.005198, 0.888566),
        Losses(100, 0.004369, 0.004182, 1.044874),
        Losses(250, 0.003821, 0.003577, 1.068229),
        Losses(500, 0.002598, 0.002236, 1.161854),
        Losses(1000, 0.001902, 0.001607, 1.183391),
        Losses(1500, 0.001660, 0.001383, 1.200238),
        Losses(2000, 0.001496, 0.001262, 1.185684),
        Losses(2500, 0.001383, 0.001181, 1.171006),
        Losses(3000, 0.001306, 0.001121, 1.164100),
    ],
    "net7": [
        Losses(50, 0.004756, 0.007043, 0.675330),
        Losses(100, 0.004440, 0.005321, 0.834432),
        Losses(250, 0.003974, 0.003928, 1.011598),
        Losses(500, 0.002574, 0.002347, 1.096366),
        Losses(1000, 0.001861, 0.001613, 1.153796),
        Losses(1500, 0.001558, 0.001372, 1.135849),
        Losses(2000, 0.001409, 0.001230, 1.144821),
        Losses(2500, 0.001295, 0.001146, 1.130188),
        Losses(3000, 0.001195, 0.001087, 1.099271),
    ],
    "net12": [
        Losses(50, 0.004756, 0.007027, 0.676810),
        Losses(100, 0.004439, 0.005321, 0.834323),
        Losses(500, 0.002576, 0.002346, 1.097795),
        Losses(1000, 0.001863, 0.001614, 1.154038),
        Losses(2000, 0.001406, 0.001233, 1.140188),
        Losses(3000, 0.001184, 0.001074, 1.102168),
        Losses(4000, 0.001068, 0.000983, 1.086193),
        Losses(5000, 0.000981, 0.000920, 1.066288),
        Losses(6000, 0.000904, 0.000884, 1.021837),
        Losses(7000, 0.000851, 0.000849, 1.002314),
        Losses(8000, 0.000810, 0.000821, 0.985769),
        Losses(9000, 0.000769, 0.000803, 0.957842),
        Losses(10000, 0.000760, 0.000787, 0.966583),
    ],
}


class Final(NamedTuple):
    """A row of the table at the end of the section "Dropout"."""

    name: str
    description: str
    epochs: int
    train: float
    valid: float


# By the net's name here: what the table calls net7 is net12.
FINAL = {
    "net1": Final("net1", "single hidden", 400, 0.002244, 0.003255),
    "net2": Final("net2", "convolutions", 1000, 0.001079, 0.001566),
    "net3": Final("net3", "augmentation", 3000, 0.000678, 0.001288),
    "net4": Final("net4", "mom + lr adj", 1000, 0.000496, 0.001387),
    "net5": Final("net5", "net4 + augment", 2000, 0.000373, 0.001184),
    "net6": Final("net6", "net5 + dropout", 3000, 0.001306, 0.001121),
    "net12": Final("net7", "net6 + epochs", 10000, 0.000760, 0.000787),
}

# The loss of net6 without dropout, on all faces, of training and validation.
PLAIN_TRAIN_LOSS = {"net6": 0.0010073791}

# How long training took: the words of the text, and what they come to in seconds.
TIMES = {
    "net2": ("more than 20 minutes", 20 * 60),
    "net3": ("an hour", 60 * 60),
    "specialists": ("half a day", 12 * 60 * 60),
}
LEADERBOARD = {"scratch": 2.17, "pretrained": 2.13}  # pixels, the six specialists
