"""Time how long it takes to compile stacks of layers, the deeper they are.

python benchmarks/depth.py --depths 10 20 40 80
"""

import argparse
import resource
import subprocess
import sys
import time

from speed import environment

UNITS = 4
LIMIT = 600  # seconds that a stack may take


def _same(layer, size=3):
    from lasagne.layers import Conv2DLayer

    return Conv2DLayer(layer, UNITS, (size, size), pad="same")


def dense(layer):
    """Return a dense layer on top of another."""
    from lasagne.layers import DenseLayer

    return DenseLayer(layer, UNITS)


def dropout(layer):
    """Return a dense layer with dropout."""
    from lasagne.layers import dropout

    return dropout(dense(layer))


def convolution(layer):
    """Return a convolution."""
    return _same(layer)


def normalized(layer):
    """Return a convolution with batch normalization."""
    from lasagne.layers import batch_norm

    return batch_norm(_same(layer))


def residual(layer):
    """Return the sum of a layer and its convolution, as in a ResNet."""
    from lasagne.layers import ElemwiseSumLayer

    return ElemwiseSumLayer([layer, _same(layer)])


def branches(layer):
    """Return three convolutions and a maximum, concatenated, as in GoogLeNet."""
    from lasagne.layers import ConcatLayer, MaxPool2DLayer

    pool = _same(MaxPool2DLayer(layer, 3, stride=1, pad=1), 1)
    return ConcatLayer([*(_same(layer, size) for size in (1, 3, 5)), pool])


def connected(layer):
    """Return a layer concatenated with its convolution, as in a DenseNet."""
    from lasagne.layers import ConcatLayer

    return ConcatLayer([layer, _same(layer)])


def gru(layer):
    """Return a gated recurrent layer."""
    from lasagne.layers import GRULayer

    return GRULayer(layer, UNITS)


def lstm(layer):
    """Return a layer of long short-term memory."""
    from lasagne.layers import LSTMLayer

    return LSTMLayer(layer, UNITS)


SHAPES = {"dense": (None, UNITS), "dropout": (None, UNITS)}
SHAPES |= dict.fromkeys(("gru", "lstm"), (None, None, UNITS))
IMAGES = (None, UNITS, None, None)
KINDS = (
    *(dense, dropout, convolution, normalized),
    *(residual, branches, connected, gru, lstm),
)


def measure(kind, depth):
    """Return the seconds of graph and program of a training step, and the memory."""
    import kfkd  # noqa: F401

    # isort: split
    import lasagne
    import numpy as np
    import theano

    shape = SHAPES.get(kind.__name__, IMAGES)
    layer = lasagne.layers.InputLayer(shape)
    inputs = layer.input_var
    for _ in range(depth):
        layer = kind(layer)
    loss = lasagne.layers.get_output(layer).mean()
    params = lasagne.layers.get_all_params(layer, trainable=True)
    updates = lasagne.updates.sgd(loss, params, 0.1)
    X = np.zeros([size or 8 for size in shape], "float32")
    times = [time.perf_counter()]
    step = theano.function([inputs], loss, updates=updates, mode="xla")
    times.append(time.perf_counter())
    for _ in range(2):
        step(X)
        times.append(time.perf_counter())
    graph, first, second = np.diff(times)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return graph, first - second, peak


def main():
    """Parse the command line, measure, print."""
    names = [kind.__name__ for kind in KINDS]
    parser = argparse.ArgumentParser(
        description="Time the compilation of a training step of stacks of layers: "
        "Theano's part (the graph), XLA's (the program), and the peak of memory. Each "
        "is a process of its own, without programs of earlier ones."
    )
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(names))
    parser.add_argument("--depths", nargs="+", type=int, default=[10, 20, 40, 80])
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if unknown := set(args.kinds) - set(names):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(names)}")
    if args.one:
        print(*measure(KINDS[names.index(args.kinds[0])], args.depths[0]))
        return
    print("| stack of | depth | graph, s | program, s | peak, MB |")
    print("|---|---|---|---|---|")
    for kind in args.kinds or names:
        for depth in args.depths:
            command = [sys.executable, __file__, kind, "--one", "--depths", str(depth)]
            try:
                answer = subprocess.run(
                    command,
                    env=environment() | {"JAX_ENABLE_COMPILATION_CACHE": "false"},
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                    timeout=LIMIT,
                )
            except subprocess.SubprocessError as error:
                print(f"{kind} {depth}: {error}", file=sys.stderr)
                break
            graph, program, peak = map(float, answer.stdout.split())
            times = f"{graph:.1f} | {program:.1f}"
            print(f"| {kind} | {depth} | {times} | {peak / 1e6:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
