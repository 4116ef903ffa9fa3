"""The command ``kfkd``: ``kfkd train net6``, or ``python -m kfkd train net6``."""

import pathlib
import shlex
import sys

import kfkd
from kfkd.choices import FIGURES, NET_FORMATS, NETS
from kfkd.cli import _run_script, run
from kfkd.cli._standard_streams import tolerate_broken_stdout
from kfkd.messages import nearest

# What each command does; all but "run" have a module of their name in kfkd.cli.
COMMANDS = {
    "train": "train a net of the tutorial and save it",
    "predict": "predict the key points of image files, or of test.csv",
    "submit": "write a submission for Kaggle",
    "fit-specialists": "train the six specialists",
    "demo": "serve a page to play with nets, for the browser of this machine",
    "export": "write a net as ONNX, for other programs",
    "plot": "draw learning curves, predictions, weights, a flipped face",
    "reproduce": "train all nets, and compare them with the tutorial",
    "run": "run an old script for Theano, Lasagne or nolearn, unchanged",
    "doctor": "find out whether the installation is sound",
}
# The verbs of the tutorial's kfkd.py, except its "predict", which wrote a submission.
ALIASES = {
    "fit": ["train"],
    "fit_specialists": ["fit-specialists"],
    "plot_learning_curves": ["plot", "learning-curves"],
}


def usage():
    """Return the text of ``kfkd --help``."""
    width = max(map(len, COMMANDS))
    return "\n".join(
        [
            "usage: kfkd COMMAND [ARGUMENT ...]",
            "",
            *(f"  {name:{width}}  {text}" for name, text in COMMANDS.items()),
            "",
            "kfkd COMMAND --help shows its arguments. The tutorial's verbs work, too:",
            "",
            *(f"  {verb} is {' '.join(words)}" for verb, words in ALIASES.items()),
            "  but its predict, which writes a submission, is submit",
        ]
    )


def guess(name, arguments):
    """Return the command line that an unknown command may stand for, or None."""
    known = {word: [word] for word in (*COMMANDS, *ALIASES)}
    before = next((i for i, word in enumerate(arguments) if word in known), None)
    if before is not None:
        return [arguments[before], name, *arguments[:before], *arguments[before + 1 :]]
    if pathlib.Path(name).suffix.lower() in NET_FORMATS.values():
        return ["predict", name, *arguments]
    known |= {figure: ["plot", figure] for figure in FIGURES}
    known |= {net: ["train", net] for net in NETS}
    near = nearest(name, known)
    return [*known[near], *arguments] if near else None


def main(argv=None):
    """Run the command that the arguments name; return the exit status."""
    name, *arguments = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name == "help":
        name, *arguments = [*arguments, "--help"]
    if name in ("-h", "--help", "--version"):
        with tolerate_broken_stdout():
            print(f"kfkd {kfkd.__version__}" if name == "--version" else usage())
        return 0
    name, *more = ALIASES.get(name, [name])
    if name not in COMMANDS:
        meant = guess(name, arguments)
        rest = (
            f"; did you mean: kfkd {shlex.join(meant)}" if meant else f"\n\n{usage()}"
        )
        print(f"kfkd: there is no command {name!r}{rest}", file=sys.stderr)
        return 2
    if name == "run":  # all as by python alone: tracebacks, output, exit status
        return _run_script.main(arguments, "kfkd run")
    return run(name.replace("-", "_"), [*more, *arguments], f"kfkd {name}")


if __name__ == "__main__":
    sys.exit(main())
