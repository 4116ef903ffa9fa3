"""Set up the stack in a process of multiprocessing, before it imports the script.

This file is run by its path, with the variables ``path`` and ``arguments``.  It is not
imported: such a process looks into the current folder first, which may have a
``kfkd.py`` of its own.
"""

import sys

sys.path[:] = path  # noqa: F821

from kfkd.stack.scripts import Arguments  # noqa: E402

arguments = Arguments(arguments, path)  # noqa: F821
