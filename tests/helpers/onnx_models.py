"""ONNX models, run by onnxruntime, or where it is missing by ONNX's own reference."""

import numpy as np
import onnx

try:
    import onnxruntime
except ImportError:
    onnxruntime = None
else:
    onnxruntime.set_default_logger_severity(3)


def read(path):
    return onnx.load(path)


def run(model, images):
    """Return the points that a model gives for images."""
    inputs = {"images": np.asarray(images)}
    if onnxruntime is None:
        from onnx.reference import ReferenceEvaluator

        (found,) = ReferenceEvaluator(model).run(["points"], inputs)
    else:
        session = onnxruntime.InferenceSession(model.SerializeToString())
        (found,) = session.run(["points"], inputs)
    assert found.dtype == np.float32
    return found


def about(model):
    """Return what a model, or the file of one, says of itself."""
    if not isinstance(model, onnx.ModelProto):
        model = read(model)
    return {prop.key: prop.value for prop in model.metadata_props}
