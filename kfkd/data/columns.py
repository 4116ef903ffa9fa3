"""Layout of Kaggle's tables: column names, image size."""

__all__ = ["COLUMNS", "PIXELS", "SIDE"]

SIDE = 96
PIXELS = SIDE * SIDE

# In the order of Kaggle's training.csv; "left" is the left of the person shown.
_POINTS = (
    "left_eye_center",
    "right_eye_center",
    "left_eye_inner_corner",
    "left_eye_outer_corner",
    "right_eye_inner_corner",
    "right_eye_outer_corner",
    "left_eyebrow_inner_end",
    "left_eyebrow_outer_end",
    "right_eyebrow_inner_end",
    "right_eyebrow_outer_end",
    "nose_tip",
    "mouth_left_corner",
    "mouth_right_corner",
    "mouth_center_top_lip",
    "mouth_center_bottom_lip",
)
COLUMNS = tuple(f"{point}_{axis}" for point in _POINTS for axis in "xy")
