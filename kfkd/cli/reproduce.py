"""Train all nets of the tutorial and write a page that compares them with it."""

import contextlib
import shlex
from pathlib import Path

import kfkd
from kfkd import choices
from kfkd.choices import NETS, PRETRAIN, REPRODUCED, TUTORIAL_NETS
from kfkd.cli import _options, _outputs
from kfkd.cli._parser import Parser
from kfkd.cli._values import file, one_of
from kfkd.errors import StorageError
from kfkd.files import kinds
from kfkd.process.signals import time_limit

SPECIALISTS = {
    "none": (),
    "scratch": ("scratch",),
    "pretrained": ("pretrained",),
    "both": ("scratch", "pretrained"),
}


def parse_args(argv=None, prog=None):
    """Return the parsed command line."""
    parser = Parser(
        prog=prog,
        description="Train the nets of the tutorial and its specialists, and write a "
        "page, report.html, that puts what comes of them beside the "
        "tutorial's numbers. Each net is kept as it is finished: after Ctrl-C, the "
        "same command goes on with the others. With other settings or data, nets are "
        "trained anew, and the old ones are kept as NET.old.pickle.",
    )
    add = parser.add_argument
    add(
        "--nets",
        nargs="+",
        type=one_of(NETS),
        metavar="NET",
        default=None,
        help=f"of {', '.join(NETS)} (default: {' '.join(REPRODUCED)})",
    )
    add(
        "--specialists",
        type=one_of(SPECIALISTS),
        metavar=f"{{{','.join(SPECIALISTS)}}}",
        help="which sets to train: with weights drawn, starting from a trained net, "
        "both, or none (default: pretrained; none if --nets is given)",
    )
    add(
        "--pretrain",
        type=one_of(TUTORIAL_NETS[1:]),
        metavar="NET",
        default=PRETRAIN,
        help="the net that pretrained specialists start from; it is trained too "
        "(default: %(default)s)",
    )
    _options.add(
        parser,
        "--epochs-scale",
        help="times the tutorial's numbers of epochs; 0.1 for those in a hurry "
        "(default: %(default)s)",
    )
    _options.add(parser, *_options.DATA)
    _options.add(
        parser,
        "--batch-size",
        help="images a step, of the tutorial's nets (default: %(default)s)",
    )
    _options.add(parser, *_options.TRAINING, "--time-limit")
    _options.add(parser, "--device", "--jobs", "--log-every")
    add(
        "--out",
        metavar="FOLDER",
        type=file,
        default=Path("reproduction"),
        help="where nets and page go; made if need be (default: %(default)s)",
    )
    add(
        "--report-only",
        action="store_true",
        help="train nothing, write the page about what is finished (default: off)",
    )
    _options.add(parser, "--force", help=_options.FORCE_NETS)
    args = parser.parse_args(argv)
    _options.check_data(parser, args)
    if args.out.suffix.lower() == ".html":
        parser.error("--out names a folder; the page in it is called report.html")
    if args.specialists is None:
        args.specialists = "none" if args.nets else "pretrained"
    args.nets = args.nets or REPRODUCED
    return args


def read_settings(args, folder):
    """Return what is to be reproduced."""
    return kfkd.reproduction.Settings(
        nets=tuple(args.nets),
        specialists=SPECIALISTS[args.specialists],
        pretrain=args.pretrain,
        epochs_scale=args.epochs_scale,
        batch_size=args.batch_size,
        seed=args.seed,
        holdout=args.holdout,
        folder=folder,
    )


def command_of(args):
    """Return the command line that does the same on another machine."""
    words = ["kfkd", "reproduce", "--nets", *args.nets]
    words += ["--specialists", args.specialists]
    if "pretrained" in SPECIALISTS[args.specialists]:
        words += ["--pretrain", args.pretrain]
    words += ["--epochs-scale", f"{args.epochs_scale:g}", "--seed", str(args.seed)]
    words += ["--batch-size", str(args.batch_size)]
    if args.holdout:
        words += ["--holdout", f"{args.holdout:g}"]
    if args.precision:
        words += ["--precision", args.precision]
    if args.synthetic:
        words.append("--synthetic")
    return shlex.join(words)


def check_outputs(args, settings):
    """Raise StorageError if the folder has a file that may not be replaced."""
    from kfkd.jobs.results import Results

    results, force = Results(args.out), args.force
    page = args.out / "report.html"
    _outputs.check_replaceable(page, kinds.PAGE, force=force)
    if args.report_only:
        return
    _outputs.check_results(results, settings.names(), force=force)
    for name in set(settings.wanted()) - set(settings.names()):
        _outputs.check_results(results, [name], net=kinds.SPECIALISTS, force=force)
        parts = Results.beside(args.out / f"{name}.pickle")
        _outputs.check_results(parts, choices.SPECIALISTS, force=force)


def main(argv=None, prog=None):
    """Train, keep, write the page; return the exit status."""
    args = parse_args(argv, prog)
    _options.choose_device(args)
    settings = prepare(args)
    runs = train(args, settings)
    if runs is None:
        print("The time limit is reached.")
        return _options.OUT_OF_TIME
    with kfkd.progress.Bar("writing the page"):
        page = kfkd.report.write(settings, runs, args.out, command=command_of(args))
    print(f"The page is written: {page}")
    return int(any(run.problem for run in runs.values()))


def prepare(args):
    """Make the folder, and return the settings; a folder without any is no use."""
    wanted, is_new = read_settings(args, None), not args.out.exists()
    if is_new and args.report_only:
        raise StorageError(f"there is no folder {args.out} with results to report on")
    kfkd.storage.make_folder(args.out)
    try:
        check_outputs(args, wanted)  # before faces are drawn
        return read_settings(args, _options.choose_folder(args))
    except BaseException:
        if is_new:
            with contextlib.suppress(OSError):
                args.out.rmdir()
        raise


def train(args, settings):
    """Return what is finished, or None if the time limit has ended training."""
    with time_limit(args.time_limit) as over:
        try:
            return kfkd.reproduction.run(
                settings,
                args.out,
                train=not args.report_only,
                device=args.device,
                n_jobs=args.jobs,
                log_every=args.log_every,
                keep_old=not args.force,
                checkpoint_every=args.checkpoint_every,
            )
        except KeyboardInterrupt:
            print(
                f"\nWhat is finished is kept in {args.out}; the same command goes on "
                "with the rest, and with --report-only writes the page about what is "
                "there."
            )
            if not over.is_set():
                raise
    return None
