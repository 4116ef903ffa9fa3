"""Predict key points with a saved net: python scripts/predict.py net6.pickle me.jpg."""

from _run import run

if __name__ == "__main__":
    run("predict")
