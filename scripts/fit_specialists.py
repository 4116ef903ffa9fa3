"""Train the six specialists: python scripts/fit_specialists.py net6.pickle."""

from _run import run

if __name__ == "__main__":
    run("fit_specialists")
