"""The command line of the tutorial's kfkd.py: ``python -m kfkd fit``."""

import sys

from kfkd.cli import run
from kfkd.cli._output import lasting_output

# The original's verbs, and the module of kfkd.cli that does the job.
VERBS = {
    "fit": "train",
    "fit_specialists": "fit_specialists",
    "plot_learning_curves": "plot_learning_curves",
    "predict": "submit",
}

USAGE = """\
Usage:
    python -m kfkd fit [NET]
        train a net of the tutorial (net8, if none is named) and pickle it
    python -m kfkd fit_specialists [net.pickle]
        train the six specialists, starting from a trained net if one is given
    python -m kfkd plot_learning_curves [net-specialists.pickle]
        draw the learning curves of specialists, or of any saved nets
    python -m kfkd predict [net-specialists.pickle]
        predict Kaggle's test set and write the submission

--help after a verb tells its options, which are those of scripts/train.py,
scripts/fit_specialists.py, scripts/plot_learning_curves.py and scripts/submit.py."""


def main():
    """Do what the verb says; return the exit status."""
    verb, *arguments = sys.argv[1:] or ["--help"]
    if verb in ("-h", "--help"):
        with lasting_output():
            print(USAGE)
        return 0
    if verb not in VERBS:
        print(f"kfkd: there is no verb {verb!r}\n\n{USAGE}", file=sys.stderr)
        return 2
    # For messages and usages: "kfkd fit: ..."
    sys.argv = [f"kfkd {verb}", *arguments]
    return run(VERBS[verb])


if __name__ == "__main__":
    sys.exit(main())
