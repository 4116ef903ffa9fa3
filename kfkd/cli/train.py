"""Train a net of the tutorial and save it."""

import argparse
import functools

import kfkd
from kfkd.choices import MODERN_STEPS, NETS, PICTURE_FORMATS
from kfkd.cli import _options, _outputs, _saved_nets
from kfkd.cli._parser import Parser
from kfkd.cli._values import file, one_of, whole
from kfkd.errors import CheckpointError, DataError, DivergedError
from kfkd.files import kinds
from kfkd.files.spare import save_or_spare
from kfkd.messages import count
from kfkd.process.signals import hold_signals

_INTERRUPTED = 130  # as after Ctrl-C in a shell


def parse_args(argv=None, prog=None):
    """Return the parsed command line."""
    parser = Parser(
        prog=prog,
        description="Train a net of the tutorial and pickle it. Ctrl-C ends training "
        "and saves what has been learnt; --resume goes on from there.",
    )
    add = parser.add_argument
    add(
        "net",
        nargs="?",
        type=one_of(NETS),
        default="net8",
        metavar="NET",
        help=f"{', '.join(NETS)} (default: %(default)s); the last is a net of today, "
        f"and the {len(MODERN_STEPS) - 1} before it are steps from net2 to it",
    )
    _options.add(parser, *_options.DATA)
    add(
        "--epochs",
        type=whole(1),
        metavar="N",
        help="how many; schedules are stretched to them (default: as in the tutorial)",
    )
    _options.add(
        parser,
        "--batch-size",
        default=None,
        help="images a step (default: as the net is defined: 128, or 32 of modern)",
    )
    _options.add(parser, *_options.TRAINING)
    add(
        "--resume",
        action=argparse.BooleanOptionalAction,
        help="resume from the checkpoint of a training that ended early, or move it "
        "aside and begin anew (default: begin, if there is no checkpoint)",
    )
    _options.add(parser, "--time-limit", "--device")
    _options.add(parser, "--log-every", default=1)
    add(
        "--out",
        metavar="FILE",
        type=file,
        help="where the net goes, and beside it, ending in .png, a picture of its "
        "predictions; a finished or longer net that is there is kept as "
        "NET.old.pickle (default: NET.pickle, or as --format says)",
    )
    _options.add(parser, "--format", "--half")
    _options.add(parser, "--force", help=_options.FORCE_NETS)
    _options.add(parser, "--dry-run")
    args = parser.parse_args(argv)
    _options.check_data(parser, args)
    if args.out and args.out.suffix.lower() in PICTURE_FORMATS:
        parser.error("--out names the file of the net; the picture goes beside it")
    _saved_nets.choose_out(parser, args, args.net)
    return args


def main(argv=None, prog=None):
    """Train, save, report, draw; return the exit status."""
    args = parse_args(argv, prog)
    check_outputs(args)
    checkpoint = make_checkpoint(args)
    notices = check_left(checkpoint, args) if checkpoint else []
    _options.choose_device(args)
    folder = _options.choose_folder(args)
    net = make_net(args)
    X, y = load_data(net, folder, args)
    if checkpoint and args.resume is False:
        for old in checkpoint.files.move_aside():
            notices.append(f"The checkpoint that was there is kept as {old}")
    for notice in notices:
        print(notice)
    diverged = None
    with hold_signals():  # until all is saved
        try:
            net.fit(X, y, checkpoint=checkpoint)
        except DivergedError as error:
            diverged = error
        if net.train_history_ and checkpoint:
            store = functools.partial(kfkd.storage.save, net, half=args.half)
            kept = save(store, args.out, checkpoint, keep_old=not args.force)
            print(f"\nThe net is saved in {args.out}", flush=True)
            if kept:
                print(f"The one that was there is kept as {kept}", flush=True)
            if not (diverged or ended_early(net, checkpoint)):
                checkpoint.remove()
    if not net.train_history_ and not diverged:
        print("\nInterrupted before the first epoch ended: there is nothing to save.")
        return _INTERRUPTED
    if net.train_history_:
        present(net, X, y, folder, args)
    if diverged:
        raise diverged
    return finish(net, checkpoint) if ended_early(net, checkpoint) else 0


def make_checkpoint(args):
    """Return the checkpoint of this training, or None for a dry run."""
    if args.dry_run:
        return None
    return kfkd.callbacks.Checkpoint.beside(
        args.out,
        resume=bool(args.resume),
        time_limit=args.time_limit,
        **args.checkpoint_every,
    )


def check_outputs(args):
    """Raise StorageError if a file may not be written, or cannot; see `_outputs`."""
    if args.dry_run:
        kfkd.storage.check_writable(args.out)
        return
    _outputs.check_output(args.out, kinds.NET, force=args.force)
    _outputs.check_replaceable(picture_path(args), kinds.FIGURE, force=args.force)


def picture_path(args):
    """Return the path of the picture beside the net."""
    return args.out.with_suffix(".png")


def make_net(args):
    """Return the net that the options ask for, not trained yet."""
    net = kfkd.nets.make(args.net, log_every=args.log_every).seed(args.seed)
    net.max_epochs = 1 if args.dry_run else args.epochs or net.max_epochs
    if args.batch_size:
        net.batch_iterator_train.batch_size = args.batch_size
        net.batch_iterator_test.batch_size = args.batch_size
    return net


def load_data(net, folder, args):
    """Return X in the shape that a net takes, and y; print their shapes and ranges."""
    import numpy as np

    options = kfkd.nets.load_options(net)
    X, y = kfkd.data.load(folder=folder, holdout=args.holdout, **options)
    X = net.reshape_input(X)
    print(f"X.shape == {X.shape}; X.min == {X.min():.3f}; X.max == {X.max():.3f}")
    low, high = np.nanmin(y), np.nanmax(y)
    print(f"y.shape == {y.shape}; y.min == {low:.3f}; y.max == {high:.3f}\n")
    n = _options.DRY_RUN if args.dry_run else len(X)
    return X[:n], y[:n]


def present(net, X, y, folder, args):
    """Report on a training, and draw what the net predicts."""
    report(net, X, y)
    if args.holdout:
        print()
        _options.print_held_out(net, folder, args.holdout)
    if args.dry_run:
        print("Dry run: no files are written.")
    else:
        draw_predictions(net, folder, picture_path(args))


def ended_early(net, checkpoint):
    """Return whether a training was interrupted, or ran out of time."""
    return net.interrupted_ or (checkpoint is not None and checkpoint.out_of_time)


def finish(net, checkpoint):
    """Say how a training goes on that has ended early; return the exit status."""
    out_of_time = checkpoint is not None and checkpoint.out_of_time
    if out_of_time:
        print(f"The time limit is reached after epoch {len(net.train_history_)}")
    if checkpoint and checkpoint.path.exists():
        print(f"To resume from {checkpoint.path}, do the same again with --resume")
    return _options.OUT_OF_TIME if out_of_time else _INTERRUPTED


def check_left(checkpoint, args):
    """Return notices about the files that an earlier training has left.

    Raises
    ------
    CheckpointError
        There is a checkpoint, and neither --resume nor --no-resume; or a net without
        one, whose training cannot be resumed; or something else in the place of a
        checkpoint.
    """
    found = checkpoint.files.existing()
    for path in found:
        if not path.is_file():
            raise CheckpointError(f"{path} is there, and is not a file")
        _outputs.check_replaceable(path, kinds.CHECKPOINT, force=args.force)
    if found and args.resume is None:
        raise CheckpointError(
            f"{checkpoint.path} is left from a training that ended early, or one still "
            "runs. --resume continues it; --no-resume moves it aside and begins anew"
        )
    notices = []
    if args.resume and not found:
        if args.out.exists():
            raise CheckpointError(
                f"{args.out} is there, and no {checkpoint.path} to resume from: that "
                "training has come to its end. --no-resume begins anew"
            )
        notices.append(f"There is no checkpoint {checkpoint.path}: training begins.")
    if args.out.exists() and not (args.resume and found):
        notices.append(f"{args.out} is there already; the new net will take its place.")
    return notices


def save(store, path, checkpoint, keep_old):
    """Call `store` for a path where there is room; return where the old net is kept."""
    to = functools.partial(store, path, keep_old=keep_old)
    make_room = functools.partial(checkpoint.files.make_room, to)
    return save_or_spare(make_room, store, path.name)


def report(net, X, y):
    """Print best loss, train loss and times of a training."""
    import numpy as np
    from lasagne.layers import DropoutLayer

    from kfkd.history import Result

    result = Result(net)
    best, seconds = result.best, [row["dur"] for row in result.history]
    X_train, _, y_train, _ = net.train_split(X, y, net)
    train = np.nanmean((y_train - net.predict(X_train)) ** 2)
    drops = any(isinstance(layer, DropoutLayer) for layer in net.layers_.values())
    of_what = "without dropout" if drops else "at the end"
    table = "is with it, and " if drops else ""
    print(
        f"{'Interrupted.' if net.interrupted_ else ''}\n"
        f"Best validation loss {best['valid_loss']:.6f} at epoch {best['epoch']}: "
        f"RMSE {result.rmse:.3f} pixels\n"
        f"Train loss {of_what} {train:.6f} (the table's {table}is an average over the "
        "epoch)\n"
        f"{count(len(seconds), 'epoch')} in {result.seconds:.1f} s, "
        f"median {np.median(seconds):.3f} s, on {kfkd.xla.describe_device()}"
    )


def draw_predictions(net, folder, path):
    """Save a picture of what a net predicts for the first 16 test faces."""
    try:
        images = kfkd.data.read("test", folder).images[:16]
    except DataError as error:
        print(f"No picture of predictions, as there is no test set: {error}")
        return
    X = net.reshape_input(kfkd.data.scale_images(images))
    kfkd.plots.save_figure(kfkd.plots.plot_predictions(X, net.predict(X)), path)
    print(f"Its predictions for {count(len(X), 'test face')} are drawn in {path}")
