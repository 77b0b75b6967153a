"""The names of aihwkit.inference.compensation."""
