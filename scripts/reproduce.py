"""Train the tutorial's nets and compare: python scripts/reproduce.py."""

from _run import run

if __name__ == "__main__":
    run("reproduce")
