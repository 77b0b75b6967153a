"""Gate-level families of multipliers: each function adds its circuit to a builder and returns the product word."""
