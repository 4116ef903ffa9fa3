import pytest

from kfkd.messages import count, duration

HOUR = 3600


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 epochs"), (1, "1 epoch"), (7049, "7,049 epochs")]
)
def test_a_number_of_things(n, text):
    assert count(n, "epoch") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (4.4, "4 s"),
        (89, "89 s"),
        (95, "2 min"),
        (1800, "30 min"),
        (8.52 * HOUR, "8.5 h"),
        (30.4 * HOUR, "30 h"),
        (51 * HOUR, "2.1 days"),
        (1000 * HOUR, "42 days"),
    ],
)
def test_a_time(seconds, text):
    assert duration(seconds) == text
