from refapprox.compat.agnapprox.libs import ApproximateMultiplier, ApproxLibrary  # noqa: F401
