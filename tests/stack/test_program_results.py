"""Programs of 2014 to 2018 give the results of Theano's own evaluation.

Each is run twice in processes of its own, and saves what it has computed.  All of them
are run if KFKD_CASES is set, as for ``KFKD_CASES=10000 make test``, and else two.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.cases import parametrize, some

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "old_programs"
NAMES = sorted(p.stem for p in PROGRAMS.glob("*.py") if "savez" in p.read_text())


def run(name, out, **environment):
    """Run a program and return the arrays that it saves."""
    result = subprocess.run(
        [sys.executable, "-m", "kfkd.stack", str(PROGRAMS / f"{name}.py"), str(out)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    with np.load(out) as arrays:
        return dict(arrays)


def setting(name, which, default):
    """Return a number that a program states, as in ``RANDOM_TOLERANCE = 1``."""
    text = (PROGRAMS / f"{name}.py").read_text()
    found = re.search(rf"^{which} = (\S+)", text, re.M)
    return float(found[1]) if found else default


@pytest.mark.process
@pytest.mark.slow
@parametrize("name", some(NAMES, "hmc", "wake_sleep"), fast=["hmc", "wake_sleep"])
def test_results_are_those_of_theanos_own_evaluation(tmp_path, name):
    found = run(name, tmp_path / "xla.npz")
    desired = run(name, tmp_path / "own.npz", THEANO_FLAGS="mode=FAST_RUN")
    assert found.keys() == desired.keys()
    for key, expected in desired.items():
        assert found[key].dtype == expected.dtype
        assert found[key].shape == expected.shape, key
        if expected.dtype.kind not in "fc":
            np.testing.assert_array_equal(found[key], expected, err_msg=key)
            continue
        scale = np.max(abs(expected[np.isfinite(expected)]), initial=0)
        if key.startswith("random_"):  # of other numbers of the same distribution
            tolerance = setting(name, "RANDOM_TOLERANCE", 0.3) * (1 + scale)
        else:
            tolerance = setting(name, "TOLERANCE", 2e-4) * scale
        np.testing.assert_allclose(
            found[key], expected, rtol=0, atol=tolerance, err_msg=key
        )


def test_the_page_lists_the_programs():
    text = (ROOT / "docs" / "compatibility.md").read_text()
    assert sorted(re.findall(r"^\| `(\w+)\.py` \|", text, re.M)) == NAMES
