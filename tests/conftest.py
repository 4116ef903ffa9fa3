"""Makes Theano, Lasagne and nolearn importable, in whatever order tests do it."""

import kfkd  # noqa: F401
