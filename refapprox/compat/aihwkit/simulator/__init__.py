"""The names of aihwkit.simulator."""
