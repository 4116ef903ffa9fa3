"""PyTorch, or where it is not installed, a reason to skip; and words in it."""

import pytest

__all__ = ["F", "along", "standardized", "torch"]

torch = pytest.importorskip("torch")
F = torch.nn.functional


def along(b):
    """Put the axes of an image after a vector of channels."""
    return b[:, None, None]


def standardized(x, axes, epsilon=1e-4):
    mean, variance = x.mean(axes, keepdim=True), x.var(axes, False, keepdim=True)
    return (x - mean) / torch.sqrt(variance + epsilon)
