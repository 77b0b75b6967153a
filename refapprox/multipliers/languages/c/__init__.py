"""C sources, parsed and never executed."""
