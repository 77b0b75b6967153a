"""The names of aihwkit.inference.noise."""
