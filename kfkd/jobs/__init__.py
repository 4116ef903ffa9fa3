"""Several trainings at once: the pool, its devices, progress and results."""
