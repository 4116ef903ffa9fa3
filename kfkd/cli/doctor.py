"""Find out whether the installation is sound."""

from kfkd.doctor.__main__ import main

__all__ = ["main"]
