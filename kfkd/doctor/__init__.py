"""Checks of an installation: ``python -m kfkd.doctor``.

It gives its report where nothing else of the package imports.  What runs in its own
process (:mod:`.packages`, :mod:`.cuda`, :mod:`.places`) needs Python alone, and imports
neither Theano nor JAX; what needs these is done in a second one (:mod:`.trial`), which
may fail, and crash.  :mod:`.report` puts them together.
"""
