"""Predictions of key points: of arrays and image files, scored, and for Kaggle."""

from kfkd.prediction import image_files, photographs, scoring, submission
from kfkd.prediction.keypoints import (
    PredictionError,
    by_columns,
    predict,
    predict_test_set,
)

__all__ = [
    "PredictionError",
    "by_columns",
    "image_files",
    "photographs",
    "predict",
    "predict_test_set",
    "scoring",
    "submission",
]
