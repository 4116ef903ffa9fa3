"""Names that users choose from, for command lines that parse before they import."""

__all__ = [
    "FIGURES",
    "NETS",
    "NET_FORMATS",
    "PICTURE_FORMATS",
    "PRECISIONS",
    "PRETRAIN",
    "REPRODUCED",
    "SPECIALISTS",
]

# The nets of kfkd.nets, in the tutorial's order.
NETS = ("net1", "net2", "net3", "net4", "net5", "net6", "net7", "net8", "net12")

# Those that a reproduction trains (net8 is net7 that may stop early), and the one that
# its pretrained specialists start from.
REPRODUCED = ("net1", "net2", "net3", "net4", "net5", "net6", "net7", "net12")
PRETRAIN = "net7"

# The specialists by the key point of their first column.
SPECIALISTS = (
    "left_eye_center",
    "nose_tip",
    "mouth_left_corner",
    "mouth_center_bottom_lip",
    "left_eye_inner_corner",
    "left_eyebrow_inner_end",
)

# What files can hold nets as, and the endings of their names.
NET_FORMATS = {"pickle": ".pickle", "arrays": ".npz"}

# What `kfkd plot` draws.
FIGURES = ("predictions", "comparison", "flip", "weights", "learning-curves")

PICTURE_FORMATS = (".png", ".svg", ".pdf", ".jpg", ".webp")

# Of products of float32: see kfkd.xla.set_precision.
PRECISIONS = ("tensorfloat32", "float32", "bfloat16")
