"""Trainings of a NeuralNet that Ctrl-C or an error ends, or in another thread."""

import os
import signal
import threading

import numpy as np
import pytest

from tests.helpers import small_faces


class Press:
    """Presses Ctrl-C in an epoch, while a batch is computed."""

    def __init__(self, net, epoch):
        self.net, self.epoch, self.steps = net, epoch, 0
        self.train_iter = net.train_iter_

    def __call__(self, *batch):
        os.kill(os.getpid(), signal.SIGINT) if self.due() else None
        self.steps += 1
        return self.train_iter(*batch)

    def due(self):
        return len(self.net.train_history_) + 1 == self.epoch


@pytest.mark.parametrize("epoch", [1, 3])
def test_ctrl_c_ends_training_after_the_batch(epoch):
    net = small_faces.small(max_epochs=9)
    net.initialize()
    net.train_iter_ = press = Press(net, epoch)
    handler = signal.getsignal(signal.SIGINT)
    net.fit(*small_faces.rows())
    assert net.interrupted_
    assert len(net.train_history_) == epoch - 1
    assert press.steps == epoch
    assert signal.getsignal(signal.SIGINT) is handler
    net.train_iter_ = press.train_iter
    net.fit(*small_faces.rows(), epochs=2)
    assert not net.interrupted_
    assert len(net.train_history_) == epoch + 1


def test_ctrl_c_at_any_time_leaves_a_net_that_can_be_used():
    def soon(net, train_history):  # in the midst of a later epoch
        if len(train_history) == 1:
            killer.start()

    killer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    net = small_faces.small(max_epochs=10**6, on_epoch_finished=[soon])
    net.fit(*small_faces.rows())
    killer.join()
    assert net.interrupted_
    assert np.isfinite(net.predict(small_faces.rows()[0])).all()


def test_a_net_trains_in_another_thread():
    net = small_faces.small()
    thread = threading.Thread(target=net.fit, args=small_faces.rows())
    thread.start()
    thread.join()
    assert len(net.train_history_) == 3


def test_an_error_while_training_is_passed_on():
    def fail(net, train_history):
        raise ZeroDivisionError

    net = small_faces.small(on_epoch_finished=[fail])
    with pytest.raises(ZeroDivisionError):
        net.fit(*small_faces.rows())
    assert not net.interrupted_
    assert net.on_epoch_finished == [fail]
