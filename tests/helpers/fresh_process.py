"""Code in a fresh process, and the settings that Theano has in one."""

import json
import os
import subprocess
import sys


def run(code, tmp_path, **environment):
    """Run *code* in a fresh process, where warnings are errors; return its output.

    It runs in the folder *tmp_path*, with a home folder of its own.
    """
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    unwanted = ("THEANO_FLAGS", "THEANORC", "KFKD_DEVICE")
    env = {k: v for k, v in os.environ.items() if k not in unwanted}
    env |= {"HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)} | environment
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


SETTINGS = """
import json
from kfkd import stack
import theano
c = theano.config
print(json.dumps([c.floatX, str(c.mode), c.device, c.cxx, c.exception_verbosity,
                  stack.REQUESTED_DEVICE, str(c.linker), c.compiledir]))
"""


def settings(tmp_path, before="", after="", **environment):
    """Return what is set, in a process that also runs other code."""
    return json.loads(run(before + SETTINGS + after, tmp_path, **environment))
