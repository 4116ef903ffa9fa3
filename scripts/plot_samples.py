"""Draw faces or weights: python scripts/plot_samples.py weights net1.pickle."""

from _run import run

if __name__ == "__main__":
    run("plot")
