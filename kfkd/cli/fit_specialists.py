"""Train the specialists of the tutorial and pickle them together."""

import contextlib
import pathlib

import kfkd
from kfkd.choices import SPECIALISTS
from kfkd.cli import _options, _saved_nets
from kfkd.cli._parser import Parser
from kfkd.cli._values import one_of, positive, whole
from kfkd.process.signals import time_limit

DRY_RUN = 200  # images


def parse_args(argv=None, prog=None):
    """Return the parsed command line."""
    parser = Parser(
        prog=prog,
        description="Train the six specialists of the tutorial, each for some of the "
        "key points, and pickle them together. Each is kept as it arrives, in a folder "
        "beside the file, with a log; after Ctrl-C the same command goes on with those "
        "that are missing, from their checkpoints.",
    )
    add = parser.add_argument
    add(
        "net",
        nargs="?",
        metavar="NET.pickle",
        help="a trained net to start from, such as net6 or net7; a pickle can run "
        "any code that its author put into it (default: none, weights are drawn)",
    )
    _options.add_data(parser)
    _options.add_jobs(parser)
    add(
        "--only",
        nargs="+",
        type=one_of(SPECIALISTS),
        metavar="POINT",
        help="train these alone and keep the others as they are: "
        f"{', '.join(SPECIALISTS)} (default: all)",
    )
    add(
        "--epochs-scale",
        type=positive,
        metavar="FACTOR",
        default=1.0,
        help="times the tutorial's numbers of epochs, which are 10,000,000 / rows, and "
        "4,000,000 / rows when starting from a net (default: %(default)s)",
    )
    _options.add_training(parser)
    _options.add_checkpoint_every(parser)
    _options.add_time_limit(parser)
    _options.add_device(parser)
    add(
        "--log-every",
        type=whole(1),
        metavar="N",
        default=100,
        help="where there is no terminal to show bars, print every N-th epoch of each; "
        "the logs have all (default: %(default)s)",
    )
    add(
        "--out",
        metavar="FILE",
        type=pathlib.Path,
        help="where the nets go, and beside it the folder of the single ones "
        "(default: net-specialists.pickle, or as --format says)",
    )
    _saved_nets.add_format(parser)
    add(
        "--dry-run",
        action="store_true",
        help=f"one epoch on {DRY_RUN} images, no files written (default: off)",
    )
    args = parser.parse_args(argv)
    _options.check_data(parser, args)
    if args.net is not None:
        _saved_nets.check_net(parser, args.net)
    _saved_nets.choose_out(parser, args, _saved_nets.SPECIALISTS)
    return args


def _take_device(name):
    from kfkd.jobs.devices import take_device

    take_device(name, place=None)  # which may be shared with other processes
    kfkd.xla.set_device(name)


def main(argv=None, prog=None):
    """Train, save, report; return the exit status."""
    args = parse_args(argv, prog)
    kfkd.storage.check_writable(args.out)
    if args.net is not None:
        _saved_nets.check_saved(args.net)
    _options.choose_device(args, _take_device)
    kfkd.xla.set_precision(args.precision)
    if args.net is not None:
        from kfkd.specialists.pretraining import read_pretrained

        read_pretrained(args.net)  # to know before faces are drawn
    with contextlib.ExitStack() as stack:
        out, sizes, limits = args.out, {}, {}
        if args.dry_run:
            import tempfile

            out = pathlib.Path(
                stack.enter_context(tempfile.TemporaryDirectory()), "dry"
            )
            # Enough that DRY_RUN of them have all their labels.
            sizes = dict(n_train=4 * DRY_RUN, n_test=16)
            limits = dict(max_rows=DRY_RUN, epochs_scale=1e-9)
        folder = _options.choose_folder(args, **sizes)
        arguments = dict(
            pretrain=args.net,
            folder=folder,
            only=args.only,
            epochs_scale=args.epochs_scale,
            n_jobs=args.jobs,
            seed=args.seed,
            batch_size=args.batch_size,
            holdout=args.holdout,
            device=args.device,
            out=out,
            log_every=args.log_every,
            checkpoint_every=args.checkpoint_every,
        )
        with time_limit(args.time_limit) as over:
            try:
                nets = kfkd.specialists.fit_specialists(**arguments | limits)
            except KeyboardInterrupt:
                if not over.is_set():
                    raise
                print("\nThe time limit is reached.")
                return _options.OUT_OF_TIME
        print(f"\n{report(nets, out)}\n")
    if args.holdout:
        _options.print_held_out(nets, folder, args.holdout)
    print("Dry run: no files are written." if args.dry_run else saved(nets, args.out))
    return 0


def saved(nets, out):
    """Return a message on what is saved and what is missing.

    Parameters
    ----------
    nets : dict of tuple of str to NeuralNet
    out : path
    """
    from kfkd.specialists.settings import find_missing

    missing = find_missing(nets)
    if not missing:
        return f"The specialists are saved in {out}"
    return (
        f"{len(nets)} of {len(nets) + len(missing)} specialists "
        f"{'is' if len(nets) == 1 else 'are'} saved in {out}. To "
        f"train the others ({', '.join(missing)}), do the same again without --only"
    )


def report(nets, out):
    """Return a table of the results of the trainings.

    Parameters
    ----------
    nets : dict of tuple of str to NeuralNet
    out : path
        The file that they are saved in, beside which the numbers of rows are found.
    """
    from kfkd.history import Result, weighted_mean
    from kfkd.jobs.results import Results
    from kfkd.specialists.settings import name_of

    results = Results.beside(out)
    width = max(map(len, map(name_of, nets)))
    lines = [
        f"{'specialist':{width}}    rows  epochs  best loss  at epoch  RMSE (pixels)  "
        "time (s)"
    ]
    for columns, net in nets.items():
        name, result = name_of(columns), Result(net)
        rows = (results.provenance(name) or {}).get("rows", "?")
        best = result.best
        lines.append(
            f"{name:{width}}  {rows:>6}  {len(result.history):6}  "
            f"{best['valid_loss']:9.6f}  {best['epoch']:8}  "
            f"{result.rmse:13.3f}  {result.seconds:8.1f}"
        )
    label = "mean, weighted by columns"
    lines.append(f"{label:{width + 37}}  {weighted_mean(nets):13.3f}")
    return "\n".join(lines)
