"""A page in the browser to play with trained nets: ``kfkd demo``.

`server` runs it on this machine alone, `app` answers its requests, `guard` keeps others
out, `predictor` finds faces and points, and `curves` reads the trainings of a folder.
The page itself is ``page.html`` with ``page.css`` and ``page.js``.
"""
