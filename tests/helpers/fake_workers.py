"""Fake workers: specialists that need little training, or none."""

import os
import pickle
import signal

from lasagne import layers

from kfkd.specialists import SPECIALIST_SETTINGS
from kfkd.specialists.worker import Outcome

# The dense layers alone, with few units: no time to compile and to train.
SMALL = dict(
    layers=[
        ("input", layers.InputLayer),
        ("hidden4", layers.DenseLayer),
        ("output", layers.DenseLayer),
    ],
    hidden4_num_units=3,
)
NAMES = [
    "left_eye_center",
    "nose_tip",
    "mouth_left_corner",
    "mouth_center_bottom_lip",
    "left_eye_inner_corner",
    "left_eyebrow_inner_end",
]
COLUMNS = dict(zip(NAMES, (s["columns"] for s in SPECIALIST_SETTINGS), strict=True))


def small(**changes):
    return [dict(s, kwargs=SMALL | changes) for s in SPECIALIST_SETTINGS]


class FakeTraining:
    """Train in no time, record the jobs, and fail where a test says so."""

    def __init__(self):
        self.jobs, self.pretrained, self.faults = [], None, {}

    def __call__(self, job, images, labels, pretrained, progress):
        self.jobs.append(job)
        self.pretrained = pretrained
        if job.name in self.faults:
            raise self.faults[job.name]
        progress.send(job.name, head=job.name)
        net = job.net()
        for epoch in (1, 2, 3):
            row = dict(epoch=epoch, train_loss=0.2, valid_loss=epoch / 10, dur=1.0)
            net.train_history_.append(row)
            progress.send(job.name, **row)
        return Outcome(job.name, pickle.dumps(net), net.train_history_)

    @property
    def names(self):
        """The names of those trained since this was last read."""
        names = [job.name for job in self.jobs]
        self.jobs = []
        return names


def trained(net):
    """Return a net with weights, as if it had been trained."""
    net.initialize_layers()
    return net


def be_killed(net, train_history):
    """Kill this process, as a system does that has run out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)
