"""What training histories tell, against values computed by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from kfkd.history import Result, best_epoch, to_loss, to_rmse, weighted_mean


def history(*losses, durations=None):
    durations = durations or [1.0] * len(losses)
    return [
        {"epoch": i, "train_loss": 2 * loss, "valid_loss": loss, "dur": seconds}
        for i, (loss, seconds) in enumerate(zip(losses, durations, strict=True), 1)
    ]


def trained(*losses, durations=None):
    return SimpleNamespace(train_history_=history(*losses, durations=durations))


def test_rmse_is_48_times_the_root_of_the_loss():
    # In the tutorial: np.sqrt(0.001566) * 48 == 1.8994904579913006
    assert to_rmse(0.001566) == pytest.approx(1.8994904579913006, rel=1e-15)
    np.testing.assert_array_equal(to_rmse([0, 0.25, 1, 4]), [0, 24, 48, 96])


def test_a_loss_that_is_no_error_has_no_rmse():
    assert np.isnan(to_rmse([-1, np.nan, np.inf, -np.inf])).all()


def test_loss_of_an_rmse():
    np.testing.assert_array_equal(to_loss([0, 24, 48, 96]), [0, 0.25, 1, 4])
    assert to_loss(12) == 0.0625


@pytest.mark.parametrize(
    ("losses", "epoch"),
    [
        ([0.3, 0.1, 0.2], 2),
        ([0.3, 0.1, 0.1], 2),
        ([np.nan, 0.3, np.nan, 0.2], 4),
        ([np.nan, np.nan], 1),
    ],
)
def test_best_epoch(losses, epoch):
    assert best_epoch(history(*losses))["epoch"] == epoch


def test_result():
    result = Result(trained(0.36, 0.04, 0.16, durations=[9.0, 1.0, 3.0]))
    assert (result.best["epoch"], result.last["epoch"]) == (2, 3)
    assert result.rmse == pytest.approx(9.6)
    assert result.seconds == 13
    assert result.epoch_seconds == 2
    assert result.at(1)["valid_loss"] == 0.36
    assert result.at(4) is None


def test_the_only_epoch_gives_the_time_of_one():
    assert Result(trained(1.0, durations=[9.0])).epoch_seconds == 9


def test_specialists_count_by_their_columns():
    nets = {("a", "b"): trained(0.01, 0.0001), ("c", "d", "e", "f"): trained(0.0004)}
    # 48 * 0.01 and 48 * 0.02
    assert weighted_mean(nets) == pytest.approx((2 * 0.48 + 4 * 0.96) / 6)
