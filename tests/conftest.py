"""Makes Theano, Lasagne and nolearn importable, in whatever order tests do it."""

import signal

import kfkd  # noqa: F401

# A shell lets what it starts in the background ignore Ctrl-C, which tests press.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
