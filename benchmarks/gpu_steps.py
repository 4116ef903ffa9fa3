"""The steps of ``gpu.py``, by stage: which commands measure what, and for how long."""

import dataclasses
from pathlib import Path

__all__ = ["STAGES", "Step", "make"]

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("machine", "right", "speed", "kernels", "tutorial", "growth")


@dataclasses.dataclass(frozen=True)
class Step:
    """A command that prints figures.

    Attributes
    ----------
    name : str
        The stage first.
    command : list of str
        What Python is called with, in the repository's root.
    limit : int
        Seconds that it may take, some four times as many as it should.
    resumes : bool
        Whether it goes on where it was ended: it is started however little time there
        is, and is no failure when it has to be ended.
    env : dict
    needs : str
        The name of a step that has to be done before, if there is one.
    """

    name: str
    command: list
    limit: int = 240
    resumes: bool = False
    env: dict = dataclasses.field(default_factory=dict)
    needs: str = ""

    @property
    def stage(self):
        """The stage that it belongs to."""
        return self.name.split()[0]


def make(stages, device, work, *, quick=False):
    """Return the steps of some stages.

    Parameters
    ----------
    stages : sequence of str
        Of `STAGES`; the steps come in the order there.
    device : {"cpu", "cuda"}
    work : path
        A folder for nets and checkpoints.
    quick : bool
        Whether to try all out, with sizes that say nothing.
    """
    makers = dict(
        machine=_machine,
        right=_right,
        speed=_speed,
        kernels=_kernels,
        tutorial=_tutorial,
        growth=_growth,
    )
    steps = []
    for stage in STAGES:
        if stage in stages:
            steps += makers[stage](device, Path(work), quick)
    return steps


def _script(name, *arguments, device):
    path = f"benchmarks/{name}.py"
    return [path, *map(str, arguments), "--device", device, "--json"]


def _machine(device, work, quick):
    small = ["--small"] if quick else []
    yield Step("machine", _script("machine", *small, device=device), 120)


def _right(device, work, quick):
    pytest = ["-m", "pytest", "-q", "--tb=short", "-p", "benchmarks.report_tests"]
    pytest += ["-p", "no:cacheprovider", "-p", "no:randomly"]
    pytest += ["--continue-on-collection-errors"]
    beside = "tests/xla/test_training.py"
    files = ["tests/xla/test_precision.py"] if quick else _marked()
    alone, together = ["-n", "0"], ["-n", "0" if quick else "8"]
    few = ["-k", "net2 and bfloat16"] if quick else []
    among = ["tests/cli/test_devices.py"] if quick else files
    process = "gpu and process and not slow" if quick else "gpu and process"
    for name, options, env in (
        # Whole nets for twenty steps.
        ("PyTorch", [*alone, beside, *few], {} if quick else {"KFKD_CASES": "20"}),
        ("tests", [*together, "-m", "gpu and not process", *files], {}),
        ("processes", [*alone, "-m", process, *among], {}),
    ):
        # What has passed is not run again.
        yield Step(f"right {name}", [*pytest, *options], 500, resumes=True, env=env)


def _marked():
    """Return the files of the tests that are marked `gpu`, some as a whole folder."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [
        path.relative_to(ROOT).as_posix()
        for path in files
        if "xla" in path.parts or "pytest.mark.gpu" in path.read_text("utf-8")
    ]


def _speed(device, work, quick):
    turns = ["--rounds", 1, "--seconds", 0.05] if quick else []
    if device == "cuda":
        turns = turns or ["--rounds", 5, "--seconds", 0.3]
    for net in ["net1"] if quick else ["net1", "net2", "net6", "net7"]:
        peers = ["--peers", "torch", "the arithmetic alone"] if quick else []
        command = _script("speed", net, *turns, *peers, device=device)
        yield Step(f"speed {net}", command, 240 if quick or device == "cuda" else 3600)
    few = ["--rounds", 1, "--epochs", 2] if quick else []
    nets = ["net1"] if quick else ["net1", "net6"]
    long = 400 if quick or device == "cuda" else 3600
    yield Step("speed ways", _script("ways", *nets, *few, device=device), long)
    few = ["--rounds", 1 if quick or device == "cuda" else 3]
    yield Step("speed startup", _script("startup", *nets, *few, device=device), long)
    what = ["--what", "step"] if quick else ["--what", "step", "epoch"]
    command = _script("formulations", *nets, *turns, *what, device=device)
    yield Step("speed formulations", command, long)
    if device == "cuda" and not quick:  # it takes minutes to compile
        for net in ("net2", "net6", "net7"):
            peers = ["--peers", "torch.compile, autotuned"]
            command = _script("speed", net, *turns, *peers, device=device)
            yield Step(f"speed {net} autotuned", command, 400)


def _kernels(device, work, quick):
    for net in ["net1"] if quick else ["net1", "net2", "net6", "net7"]:
        yield Step(f"kernels {net}", _script("kernels", net, device=device), 120)


def _tutorial(device, work, quick):
    faces, needs = ["--synthetic"], ""
    if quick:
        faces = ["--data", work / "faces"]
        draw = "import sys, kfkd.faces as f; f.make(sys.argv[1], n_train=60, n_test=1)"
        needs = "tutorial faces"
        yield Step(needs, ["-c", draw, str(work / "faces")])

    def train(what, folder, scale, *options):
        options = [*options, "--epochs-scale", scale, "--out", work / folder, *faces]
        command = _script("training", *options, device=device)
        return Step(f"tutorial {what}", command, 3600, resumes=True, needs=needs)

    usual = 1e-9 if quick else 1
    nets = ["net1", "net2"] if quick else [f"net{i}" for i in (*range(1, 8), 12)]
    for net in nets:
        yield train(net, "tutorial", usual, "--nets", net)
    # A twentieth of the epochs tells which way is faster.
    few = 1e-9 if quick else 0.05
    at_once = 2 if quick else 6
    for jobs, way in ((at_once, "side by side"), (1, "one by one")):
        kind = ["--nets", "net1", "--specialists", "scratch", "--jobs", jobs]
        yield train(f"specialists {way}", f"specialists {jobs}", few, *kind)
    if not quick:
        for kind in ("pretrained", "scratch"):
            options = ["--nets", "net7", "--specialists", kind, "--jobs", 6]
            yield train(f"specialists {kind}", "tutorial", usual, *options)
        options = ["--nets", *nets, "--specialists", "both", "--report-only"]
        yield train("report", "tutorial", usual, *options)


def _growth(device, work, quick):
    small = ["--epochs", 1, "--samples", 60] if quick else []
    if device == "cuda":
        small = small or ["--epochs", 20]
    most = {"batch": 32, "samples": 1000, "side": 48, "units": 100, "nets": 2}
    long = 400 if quick or device == "cuda" else 3600
    for axis in ("batch", "samples", "side", "units", "nets"):
        limits = ["--most", most[axis]] if quick else []
        command = _script("scaling", axis, *small, *limits, device=device)
        yield Step(f"growth {axis}", command, long)
