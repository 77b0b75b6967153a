"""EvoApproxLib's checkouts, on top of the languages that they are written in."""
