"""Write Kaggle's file with saved nets: python scripts/submit.py net6.pickle."""

from _run import run

if __name__ == "__main__":
    run("submit")
