"""Train the specialists of the tutorial and pickle them together."""

import contextlib
import pathlib
import tempfile

import kfkd
from kfkd.choices import SPECIALISTS
from kfkd.cli import _options, _outputs, _saved_nets
from kfkd.cli._parser import Parser
from kfkd.cli._values import file, one_of
from kfkd.files import kinds
from kfkd.process.signals import time_limit


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
    _options.add(parser, *_options.DATA, "--jobs")
    add(
        "--only",
        nargs="+",
        type=one_of(SPECIALISTS),
        metavar="POINT",
        help="train these alone and keep the others as they are: "
        f"{', '.join(SPECIALISTS)} (default: all)",
    )
    _options.add(
        parser,
        "--epochs-scale",
        help="times the tutorial's numbers of epochs, which are 10,000,000 / rows, and "
        "4,000,000 / rows when starting from a net (default: %(default)s)",
    )
    _options.add(parser, "--batch-size", *_options.TRAINING, "--time-limit")
    _options.add(parser, "--device")
    _options.add(
        parser,
        "--log-every",
        help="where there is no terminal to show bars, print every N-th epoch of each; "
        "the logs have all (default: %(default)s)",
    )
    add(
        "--out",
        metavar="FILE",
        type=file,
        help="where the nets go, and beside it the folder of the single "
        "ones; an old set of others is kept as FILE.old.pickle (default: "
        "net-specialists.pickle, or as --format says)",
    )
    _options.add(parser, "--format")
    _options.add(parser, "--force", help=_options.FORCE_NETS)
    _options.add(parser, "--dry-run")
    args = parser.parse_args(argv)
    _options.check_data(parser, args)
    if args.net is not None:
        _saved_nets.check_net(parser, args.net)
    _saved_nets.choose_out(parser, args, _saved_nets.SPECIALISTS)
    return args


def main(argv=None, prog=None):
    """Train, save, report; return the exit status."""
    args = parse_args(argv, prog)
    check(args)
    with choose_out(args) as out:
        folder = _options.choose_folder(args)
        nets = fit(args, folder, out)
        if nets is None:
            print("\nThe time limit is reached.")
            return _options.OUT_OF_TIME
        print(f"\n{report(nets, out)}\n")
    if args.holdout:
        _options.print_held_out(nets, folder, args.holdout)
    print("Dry run: no files are written." if args.dry_run else saved(nets, args.out))
    return 0


def check(args):
    """Check output, device and the net to start from, before faces are drawn."""
    check_outputs(args)
    if args.net is not None:
        _saved_nets.check_saved(args.net)
    _options.choose_device(args, _take_device)
    if args.net is not None:
        from kfkd.specialists.pretraining import read_pretrained

        read_pretrained(args.net)


def check_outputs(args):
    """Raise StorageError if a file may not be written, or cannot; see `_outputs`."""
    if args.dry_run:
        kfkd.storage.check_writable(args.out)
        return
    from kfkd.jobs.results import Results

    _outputs.check_output(
        args.out,
        kinds.SPECIALISTS,
        inputs=[args.net] if args.net else [],
        force=args.force,
    )
    parts = Results.beside(args.out)
    _outputs.check_results(parts, args.only or SPECIALISTS, force=args.force)


def _take_device(name):
    from kfkd.jobs.devices import take_device

    take_device(name, place=None)  # which may be shared with other processes
    kfkd.xla.set_device(name)


@contextlib.contextmanager
def choose_out(args):
    """Yield where the nets go: for a dry run, into a folder that is then removed."""
    if not args.dry_run:
        yield args.out
        return
    with tempfile.TemporaryDirectory() as folder:
        yield pathlib.Path(folder, "dry")


def fit(args, folder, out):
    """Return trained specialists, or None if the time limit has ended training."""
    options = dict(epochs_scale=args.epochs_scale)
    if args.dry_run:
        options = dict(epochs_scale=1e-9, max_rows=_options.DRY_RUN)
    with time_limit(args.time_limit) as over:
        try:
            return kfkd.specialists.fit_specialists(
                args.net,
                folder=folder,
                only=args.only,
                n_jobs=args.jobs,
                seed=args.seed,
                batch_size=args.batch_size,
                holdout=args.holdout,
                device=args.device,
                out=out,
                keep_old=not args.force,
                log_every=args.log_every,
                checkpoint_every=args.checkpoint_every,
                **options,
            )
        except KeyboardInterrupt:
            if not over.is_set():
                raise
    return None


def saved(nets, out):
    """Return a message that says which specialists are saved and which are missing."""
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
    """Return a table of the results; the numbers of rows are in the folder of `out`."""
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
