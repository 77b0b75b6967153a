"""The names of aihwkit.inference.converter."""
