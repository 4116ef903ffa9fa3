"""Command line of ``kfkd run`` and ``python -m kfkd.stack``: run an old script.

It is parsed here, before :mod:`kfkd.stack`, which is slow to import.
"""

import sys

__all__ = ["main"]

_USAGE = """\
usage: {0} SCRIPT [ARGUMENT ...]
       {0} -m MODULE [ARGUMENT ...]
       {0} -c CODE [ARGUMENT ...]

Run an old script for Theano, Lasagne or nolearn, a module, or a line of code. All runs
as with python alone, unchanged, but the three packages work. The script may be called
kfkd.py, as the tutorial's is."""


def main(argv, prog):
    """Run the script, module or code that the arguments name; return the exit status.

    `prog` is the name of the command in messages.
    """
    if argv[:1] in (["-h"], ["--help"]):
        print(_USAGE.format(prog))
        return 0
    named = len(argv) > 1 and argv[0] in ("-m", "-c")
    if not named and (not argv or argv[0].startswith("-")):
        print(_USAGE.format(prog), file=sys.stderr)
        return 2
    try:
        from kfkd.stack import scripts
    except Exception as error:
        from kfkd.cli import explain

        return explain(prog, error)
    match argv:
        case ["-m", name, *arguments]:
            scripts.run_module(name, arguments)
        case ["-c", code, *arguments]:
            scripts.run_code(code, arguments)
        case [path, *arguments]:
            scripts.run_script(path, arguments)
    return 0
