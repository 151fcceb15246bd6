"""Programs to begin from: each runs against ``make run``, and needs little else."""
