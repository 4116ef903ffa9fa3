"""Serve a page to play with trained nets, on this machine alone."""

import contextlib
import importlib
import pathlib
import webbrowser

import kfkd
from kfkd.choices import NET_FORMATS
from kfkd.cli import _options, _saved_nets, _values
from kfkd.cli._parser import Parser
from kfkd.errors import StateError

PORT = 8014
_SHOWN_FIRST = ("net1", "net2")  # beside the net that comes with kfkd


def parse_args(argv=None, prog=None):
    """Return the parsed command line."""
    parser = Parser(
        prog=prog,
        description="Serve a page for the browser of this machine: drop photographs or "
        "use the camera, compare nets side by side, and watch the trainings in this "
        "folder. Images stay on this machine, and are not written to disk.",
    )
    parser.add_argument(
        "nets",
        nargs="*",
        default=[],
        metavar="NET.pickle",
        help=f"{_saved_nets.HELP} (default: net1 and net2, if they are in this folder, "
        f"and {_saved_nets.SHIPPED})",
    )
    parser.add_argument(
        "--port",
        type=_values.whole(0, 65535),
        metavar="N",
        help=f"of the page; 0 is any free one (default: {PORT}, or one of the next)",
    )
    parser.add_argument(
        "--no-browser",
        action="store_true",
        help="only say where the page is, without opening it (default: off)",
    )
    _options.add(parser, "--device")
    args = parser.parse_args(argv)
    for net in args.nets:
        _saved_nets.check_net(parser, net)
    return args


def load_nets(args):
    """Return the nets to show, by their names."""
    if args.nets:
        return _saved_nets.load_named(args.nets)
    here = [
        stem + ending
        for stem in _SHOWN_FIRST
        for ending in NET_FORMATS.values()
        if pathlib.Path(stem + ending).is_file()
    ]
    return _saved_nets.load_named(here) | {_saved_nets.SHIPPED: kfkd.weights.load()}


def main(argv=None, prog=None):
    """Load nets, serve until Ctrl-C; return the exit status."""
    args = parse_args(argv, prog)
    try:
        server = importlib.import_module("kfkd.demo.server")
        app = importlib.import_module("kfkd.demo.app")
    except ModuleNotFoundError as error:
        from kfkd.process.installation import install

        raise StateError(
            f"The page needs {error.name}: install it with {install(extra='demo')}"
        ) from error
    from kfkd.demo.predictor import Predictor

    _options.choose_device(args)
    nets = load_nets(args)
    for name, net in nets.items():
        _saved_nets.announce(name, net)
    predictor = Predictor(nets)
    predictor.warm_up()
    try:
        port = PORT if args.port is None else args.port
        listener = server.bind(port, strict=args.port is not None)
    except OSError as error:
        raise StateError(
            f"Port {port} cannot be used: {error.strerror}; choose another with --port"
        ) from error
    url = f"http://{server.HOST}:{listener.getsockname()[1]}/"

    def started():
        print(f"The page is at {url} (Ctrl-C ends it)", flush=True)
        if not args.no_browser:
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(url)

    with contextlib.suppress(KeyboardInterrupt):  # how it is meant to end
        here = pathlib.Path.cwd()
        page = app.make_app(predictor, here)
        server.serve(page, listener, started=started, ending=predictor.close)
    return 0
