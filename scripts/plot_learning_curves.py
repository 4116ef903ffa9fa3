"""Draw learning curves: scripts/plot_learning_curves.py net1.pickle net2.pickle."""

from _run import run

if __name__ == "__main__":
    run("plot_learning_curves")
