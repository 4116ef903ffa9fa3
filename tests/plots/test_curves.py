import numpy as np
import pytest
from matplotlib.figure import Figure

from kfkd import nets, plots
from kfkd.plots.histories import group_name
from tests.helpers import small_faces, stubs


def history(n, seed=0, scale=1e-3):
    """Return what a training of n epochs might leave behind."""
    rng = np.random.default_rng(seed)
    losses = scale * (1 + rng.random((n, 2)) + 20 / np.arange(1, n + 1)[:, None])
    return [
        {"epoch": i, "train_loss": train, "valid_loss": valid}
        for i, (train, valid) in enumerate(losses, start=1)
    ]


def rmse(rows, key):
    return [48 * np.sqrt(row[f"{key}_loss"]) for row in rows]


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def ticks(axis):
    """Return where the ticks are that are seen, and the texts beside them."""
    axis.get_figure().draw_without_rendering()
    low, high = axis.get_view_interval()
    places = axis.get_ticklocs()
    seen = (low <= places) & (places <= high)
    texts = np.array([label.get_text() for label in axis.get_ticklabels()])
    return places[seen], texts[seen]


def test_a_net_s_lines_are_its_history():
    X, y = small_faces.rows()
    net = small_faces.small().fit(X, y)
    ax = plots.plot_learning_curves(net)
    train, valid = ax.lines
    for line, key in ((train, "train"), (valid, "valid")):
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
        np.testing.assert_allclose(line.get_ydata(), rmse(net.train_history_, key))
    assert valid.get_linestyle() == "-"
    assert train.get_linestyle() == "--"
    assert valid.get_color() == train.get_color()
    loss, epoch = min((row["valid_loss"], row["epoch"]) for row in net.train_history_)
    best = f"validation (best {48 * loss**0.5:.2f}, epoch {epoch})"
    assert labels(ax) == [best, "training"]
    assert ax.get_title() == "Learning curves"
    assert ax.get_ylabel() == "RMSE (pixels)"


def test_nets_to_compare():
    found = {f"net{i}": history(20 * i, seed=i) for i in range(1, 10)}
    ax = Figure().add_subplot()
    assert plots.plot_learning_curves(found, ax) is ax
    train, valid = ax.lines[::2], ax.lines[1::2]
    for rows, dashed, solid in zip(found.values(), train, valid, strict=True):
        np.testing.assert_allclose(dashed.get_ydata(), rmse(rows, "train"))
        np.testing.assert_allclose(solid.get_ydata(), rmse(rows, "valid"))
        assert dashed.get_linestyle() == "--"
        assert solid.get_linestyle() == "-"
        assert dashed.get_color() == solid.get_color()
        assert len(solid.get_markevery()) > 0
    # Colours recur, but not together with the same mark.
    looks = {(line.get_color(), line.get_marker()) for line in valid}
    assert len(looks) == len(found)
    assert [label.split()[0] for label in labels(ax)[:-2]] == list(found)
    assert labels(ax)[-2:] == ["validation", "training"]


@pytest.mark.parametrize("scale", [1e-5, 1e-3, 0.1])
@pytest.mark.parametrize("log", [True, False])
def test_both_scales_can_be_read(scale, log):
    ax = plots.plot_learning_curves({"a": history(300, scale=scale)}, log=log)
    assert ax.get_title() == "Learning curves of a"
    (second,) = ax.child_axes
    for axis in (ax.yaxis, second.yaxis):
        places, texts = ticks(axis)
        assert 3 <= len(texts) <= 10
        assert all(len(text) <= 8 for text in texts)
        np.testing.assert_allclose(texts.astype(float), places)
    # The same height means the same error.
    low, high = ax.get_ylim()
    np.testing.assert_allclose(
        second.get_ylim(), [(low / 48) ** 2, (high / 48) ** 2], rtol=1e-6
    )
    assert not plots.plot_learning_curves(history(3), loss_axis=False).child_axes


def test_limits():
    rows = history(200)
    ax = plots.plot_learning_curves(rows)
    low, high = ax.get_ylim()
    both = np.array([rmse(rows, "train"), rmse(rows, "valid")])
    assert low < both.min()
    assert both[:, 4:].max() < high < both[:, 0].min()
    ax = plots.plot_learning_curves(rows, ymin=1, ymax=5)
    assert ax.get_ylim() == (1, 5)
    assert plots.plot_learning_curves(rows, log=False, ymin=0).get_ylim()[0] == 0
    beyond = dict(ymax=1e308), dict(ymin=1e-320), dict(ymax=1e308, log=False)
    for limits in (dict(ymin=5, ymax=2), dict(ymin=0), dict(ymax=0.01), *beyond):
        with pytest.raises(
            plots.PlotError, match=r"cannot be drawn from \S+ to \S+ pixels"
        ):
            plots.plot_learning_curves(rows, **limits)


def test_losses_that_are_no_numbers():
    rows = history(30)
    for row in rows:
        row["valid_loss"] = np.nan
    rows[-1]["train_loss"] = np.inf
    ax = plots.plot_learning_curves({"a": rows, "b": history(1), "c": history(5)})
    assert labels(ax)[0] == "a (no validation)"
    assert np.isnan(ax.lines[0].get_ydata()[-1])
    ax.figure.draw_without_rendering()
    for row in rows:
        row["train_loss"] = np.inf
    with pytest.raises(plots.PlotError, match="no loss of b is a number"):
        plots.plot_learning_curves({"a": history(2), "b": rows})


@pytest.mark.parametrize("n", [1, 2, 3, 5000])
def test_epochs_are_whole_numbers(n):
    ax = plots.plot_learning_curves(history(n))
    places, texts = ticks(ax.xaxis)
    assert len(places) >= 3
    assert (places == texts.astype(int)).all()
    assert ax.get_xlim()[1] > n


def test_names_stand_as_they_are():
    ax = Figure().add_subplot()
    ax.plot([1], [1], label="another line")
    plots.plot_learning_curves({"_a": history(2), "$b$": history(2)}, ax)
    assert [label.split()[0] for label in labels(ax)[:2]] == ["_a", "$b$"]
    texts = [ax.title, *ax.get_legend().get_texts()]
    assert not any(text.get_parse_math() for text in texts)


def test_a_loss_of_zero():
    rows = [{"epoch": 1, "train_loss": 0.0, "valid_loss": 0.0}]
    plots.plot_learning_curves(rows).figure.draw_without_rendering()


def test_an_array_of_axes_is_not_drawn_in():
    axes = np.array(Figure().subplots(1, 2))
    with pytest.raises(plots.PlotError, match="ax is not an Axes, but ndarray"):
        plots.plot_learning_curves(history(2), ax=axes)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no net to draw"),
        ([], "the net has no learning curves: it has not been trained"),
        ({"a": nets.make("net1")}, "a has no learning curves: it has not been trained"),
        ({"a": 3}, "a is 3, neither a net nor"),
        ([nets.net1, nets.net2], "history of the net does not consist of rows"),
        ({"a": [{"epoch": 1}]}, "history of a does not consist of rows"),
        ({("x", "y"): history(2)}, "a set of specialists.*plot_specialists draws"),
    ],
)
def test_what_has_no_learning_curves(given, message):
    with pytest.raises(plots.PlotError, match=message):
        plots.plot_learning_curves(given)


@pytest.fixture
def specialists():
    """Histories of lengths that differ, one of a single epoch."""
    lengths = (140, 1, 30, 200, 77, 101)
    return {
        columns: history(n, seed=n, scale=1e-3 * n**0.5)
        for columns, n in zip(stubs.GROUPS, lengths, strict=True)
    }


def test_specialists_have_one_length(specialists):
    ax = Figure().add_subplot()
    assert plots.plot_specialists(specialists, ax) is ax
    *lines, mean = ax.lines
    assert len(lines) == 12
    for rows, dashed, solid in zip(
        specialists.values(), lines[::2], lines[1::2], strict=True
    ):
        for line, key in ((dashed, "train"), (solid, "valid")):
            x, y = line.get_data()
            assert (x[0], x[-1]) == (0, 100)
            assert np.ptp(np.diff(x)) < 1e-9
            expected = rmse(rows, key)
            np.testing.assert_allclose(y, expected * 2 if len(rows) == 1 else expected)
        assert (dashed.get_linestyle(), solid.get_linestyle()) == ("--", "-")
        assert dashed.get_color() == solid.get_color()
    assert len({line.get_color() for line in lines}) == 6
    assert mean.get_linewidth() > max(line.get_linewidth() for line in lines)
    assert labels(ax) == [
        "nose tip (2)",
        "mouth corners, top lip (6)",
        "eye centers (4)",
        "bottom lip (2)",
        "eyebrow ends (8)",
        "eye corners (8)",
        "mean, weighted",
        "validation",
        "training",
    ]
    ax.figure.draw_without_rendering()


def test_the_mean_counts_target_values(specialists):
    x, mean = plots.plot_specialists(specialists).lines[-1].get_data()
    assert len(x) == 200
    for i in (0, 57, 120, 199):
        total = 0
        for columns, rows in specialists.items():
            errors = rmse(rows, "valid")
            at = x[i] / 100 * (len(rows) - 1)
            before = min(int(at), len(rows) - 1)
            after = min(before + 1, len(rows) - 1)
            error = errors[before] + (at - before) * (errors[after] - errors[before])
            total += len(columns) * error
        assert mean[i] == pytest.approx(total / 30)


def test_without_all_validation_losses_there_is_no_mean(specialists):
    for row in specialists["nose_tip_x", "nose_tip_y"]:
        row["valid_loss"] = np.nan
    assert "mean, weighted" not in labels(plots.plot_specialists(specialists))


def test_what_are_no_specialists(specialists):
    with pytest.raises(plots.PlotError, match="plot_learning_curves draws other nets"):
        plots.plot_specialists(nets.net1)
    with pytest.raises(plots.PlotError, match="is not a set of specialists"):
        plots.plot_specialists({"net1": nets.net1})
    with pytest.raises(plots.PlotError, match="the set of specialists is empty"):
        plots.plot_specialists({})
    specialists["nose_tip_x", "nose_tip_y"] = []
    with pytest.raises(plots.PlotError, match="for nose_tip_x has no learning curves"):
        plots.plot_specialists(specialists)


def test_names_of_groups():
    assert group_name(("left_eye_center_x", "left_eye_center_y")) == "left eye center"
    columns = [
        f"{side}_eye_outer_corner_{axis}" for side in ("left", "right") for axis in "xy"
    ]
    assert group_name(columns) == "eye outer corners"
