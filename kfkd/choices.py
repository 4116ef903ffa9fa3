"""Names that users choose from, for command lines that parse before they import."""

__all__ = [
    "FIGURES",
    "IMAGE_ENDINGS",
    "MODERN_STEPS",
    "NETS",
    "NET_FORMATS",
    "PICTURE_FORMATS",
    "PRECISIONS",
    "PRETRAIN",
    "REPRODUCED",
    "SPECIALISTS",
    "TUTORIAL_NETS",
]

# The nets of kfkd.nets: those of the tutorial, in its order; then the steps from net2
# to a net of today, which is the last of them, and what each adds to the one before.
_NUMBERS = (1, 2, 3, 4, 5, 6, 7, 8, 12)
TUTORIAL_NETS = tuple(f"net{number}" for number in _NUMBERS)
MODERN_STEPS = {
    "modern_rows": "all rows, missing labels left out of the loss",
    "modern_sources": "outputs of their own for rows of four points",
    "modern_norm": "fewer weights, batch normalization",
    "modern_adam": "Adam, small batches, one cycle of the rate",
    "modern_affine": "turned, scaled and shifted images",
    "modern": "predictions averaged over mirrored images",
}
NETS = (*TUTORIAL_NETS, *MODERN_STEPS)

# Those that a reproduction trains (net8 is net7 that may stop early), the last of which
# is not the tutorial's, and the one that its pretrained specialists start from.
REPRODUCED = ("net1", "net2", "net3", "net4", "net5", "net6", "net7", "net12", "modern")
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

# Names of images that are read; those that are written have one of PICTURE_FORMATS.
IMAGE_ENDINGS = (".avif", ".bmp", ".gif", ".heic", ".jfif", ".jpeg", ".jpg", ".pgm")
IMAGE_ENDINGS += (".png", ".ppm", ".tif", ".tiff", ".webp")

PICTURE_FORMATS = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp")

# Of products of float32: see kfkd.xla.set_precision.
PRECISIONS = ("tensorfloat32", "float32", "bfloat16")
