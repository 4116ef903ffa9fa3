"""What the tests of conversions share."""

import pytest

from kfkd.xla import forms


@pytest.fixture(params=["cpu", "gpu"])
def formulation(request, monkeypatch):
    """Compute as is best on a CPU, and on a GPU, whatever there is."""
    monkeypatch.setattr(forms, "_on_cpu", lambda: request.param == "cpu")
    return request.param
