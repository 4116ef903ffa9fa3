import kfkd  # noqa: F401  (the stack must stand before theano is imported)
