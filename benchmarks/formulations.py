"""Time the formulations that were chosen for a device against those of the other kind.

python benchmarks/formulations.py net1 net2 --device cpu
"""

import argparse

from figures import Output, add_json
from speed import Peer, answers, compare

from kfkd.xla import formulations


def main():
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description="Time an epoch as it is, and with one choice of "
        "kfkd/xla/formulations.py after the other made as for the other kind of "
        "device, a GPU or the CPU. Each is a process of its own, and they take turns; "
        "the last column is the median over the rounds of its time by that of the "
        "choices as they are."
    )
    parser.add_argument("nets", nargs="*", default=["net1", "net2"])
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    parser.add_argument(
        "--seconds", type=float, default=2, help="of one turn, about (default: 2)"
    )
    parser.add_argument("--what", nargs="+", default=["epoch"], help="(default: epoch)")
    add_json(parser)
    args = parser.parse_args()
    output = Output("formulations", args.json)
    for net in args.nets:
        peers = {"as chosen": Peer("kfkd_net.py", net, args.device)}
        for form in formulations.__all__:
            peers[f"{form} otherwise"] = Peer("kfkd_net.py", net, args.device, form)
        answers(peers, net, Peer.wait)
        for figure in compare(net, peers, args):
            output.add(**figure)


if __name__ == "__main__":
    main()
