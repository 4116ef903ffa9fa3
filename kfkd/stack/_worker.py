"""Set up the stack in a process of multiprocessing, before it imports the script.

It is run by its path, with ``path`` and ``arguments``, and not imported: the current
folder, where such a process looks first, may have a ``kfkd.py`` of its own.
"""

import sys

sys.path[:] = path  # noqa: F821

from kfkd.stack.scripts import Arguments  # noqa: E402

arguments = Arguments(arguments, path)  # noqa: F821
