"""Jobs: several trainings at once, with their devices, progress and results."""
