"""Libraries of approximate multipliers under agnapprox's names."""
