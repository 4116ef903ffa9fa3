"""What the tests of conversions share."""

from pathlib import Path

import pytest

from kfkd.xla import formulations


def pytest_collection_modifyitems(items):
    """Mark the tests of this folder: what they compute they compute on the GPU."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.gpu)


@pytest.fixture(params=["cpu", "gpu"])
def formulation(request, monkeypatch):
    """Compute as is best on a CPU, and on a GPU, whatever there is."""
    monkeypatch.setattr(formulations, "_on_cpu", lambda: request.param == "cpu")
    return request.param
