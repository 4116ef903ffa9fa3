"""The protocol of callbacks: hooks, the loop that is handed to them, overlap."""

import copy
import pickle

import numpy as np
import pytest

from kfkd.callbacks import AdjustVariable, Callback, Checkpoint, EarlyStopping
from kfkd.training.loop import TrainingLoop
from tests.helpers import small_faces


class Calling:
    """Not a callback by itself."""

    def __call__(self, net, train_history):
        pass


class Looks(AdjustVariable):
    def __call__(self, net, train_history):
        pass


class LooksNoMore(Looks):
    def before_next_epoch(self, net, epoch):
        return True


class Mixed(Calling, AdjustVariable):
    pass


class Inherits(AdjustVariable):
    pass


class Declares(AdjustVariable):
    supports_overlap = True

    def __call__(self, net, train_history):
        pass


@pytest.mark.parametrize(
    ("kind", "supports"),
    [
        (Callback, True),
        (AdjustVariable, True),
        (EarlyStopping, True),
        (Inherits, True),
        (Looks, False),
        (LooksNoMore, True),
        (Mixed, False),
        (Declares, True),
    ],
)
def test_a_class_that_looks_at_epochs_must_say_that_they_may_overlap(kind, supports):
    assert kind.supports_overlap is supports


class Recorder(Callback):
    def __init__(self, error_at=None):
        self.error_at, self.seen = error_at, []

    def note(self, hook, net):
        self.seen.append((hook, len(net.train_history_), self.loop))

    def on_training_started(self, net, train_history):
        self.note("started", net)

    def __call__(self, net, train_history):
        self.note("epoch", net)
        assert self in net.on_epoch_finished
        assert len(net.on_epoch_finished) == 1
        if len(train_history) == self.error_at:
            raise ZeroDivisionError

    def on_training_finished(self, net, train_history):
        self.note("finished", net)


@pytest.mark.parametrize("verbose", [0, 1])
def test_hooks_have_the_loop_from_the_start_to_the_end(verbose, capsys):
    recorder = Recorder()
    net = small_faces.small(on_epoch_finished=[recorder], verbose=verbose)
    for epochs, first in ((2, 0), (3, 2)):
        recorder.seen.clear()
        net.fit(*small_faces.rows(), epochs=epochs)
        hooks, lengths, loops = zip(*recorder.seen, strict=True)
        assert hooks == ("started", *["epoch"] * epochs, "finished")
        assert lengths == (first, *range(first + 1, first + epochs + 1), first + epochs)
        assert {type(loop) for loop in loops} == {TrainingLoop}
        assert (loops[0].first, loops[0].last) == (first, first + epochs)
        assert len({*loops}) == 1
        assert recorder.loop is None


def test_the_loop_is_gone_after_an_error():
    recorder = Recorder(error_at=2)
    net = small_faces.small(on_epoch_finished=[recorder])
    with pytest.raises(ZeroDivisionError):
        net.fit(*small_faces.rows())
    assert recorder.seen[-1][0] == "finished"
    assert recorder.loop is None


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_in_the_midst_of_a_training_are_without_it(copied):
    found = []

    class Copier(Callback):
        def __call__(self, net, train_history):
            assert self.loop is not None
            found.append(copied(stopping))

    stopping = EarlyStopping(7)
    small_faces.small(on_epoch_finished=[stopping, Copier()]).fit(*small_faces.rows())
    assert all(each.loop is None and each.patience == 7 for each in found)
    assert found[-1].best_valid == stopping.best_valid


def test_a_checkpoint_is_given_to_fit(tmp_path):
    def make(*callbacks):
        return small_faces.small(on_epoch_finished=[*callbacks], max_epochs=6).seed(4)

    class Ends(Callback):
        def before_next_epoch(self, net, epoch):
            return True

        def __call__(self, net, train_history):
            if len(train_history) == 4:
                raise KeyboardInterrupt

        def state_dict(self):
            return {}

    data, path = small_faces.rows(), tmp_path / "net.checkpoint"
    expected = make().fit(*data)
    ended = Ends()
    first = make(ended).fit(*data, checkpoint=Checkpoint(path, epochs=2))
    assert first.interrupted_
    assert first.on_epoch_finished == [ended]
    checkpoint = Checkpoint(path, resume=True)
    Ends.__call__ = lambda self, net, train_history: None
    net = make(Ends()).fit(*data, checkpoint=checkpoint)
    # The state that was at hand when the fourth epoch was interrupted.
    assert checkpoint.resumed in (2, 3)
    np.testing.assert_equal(small_faces.params(net), small_faces.params(expected))


def test_callbacks_of_one_training_come_first_and_leave_the_net_alone():
    seen = []

    class Names(Callback):
        def __init__(self, name):
            self.name = name

        def __call__(self, net, train_history):
            seen.append((self.name, len(train_history)))

    own = Names("own")
    net = small_faces.small(on_epoch_finished=[own])
    net.fit(*small_faces.rows(), epochs=2, callbacks=[Names("first")])
    assert seen == [("first", 1), ("own", 1), ("first", 2), ("own", 2)]
    assert net.on_epoch_finished == [own]
    seen.clear()
    net.fit(*small_faces.rows(), epochs=1)
    assert seen == [("own", 3)]
