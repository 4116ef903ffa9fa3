"""Trained nets for other programs, browsers and devices: as ONNX."""

from kfkd.errors import ExportError
from kfkd.export.model import save, to_onnx

__all__ = ["ExportError", "save", "to_onnx"]
