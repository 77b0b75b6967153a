from refapprox.compat.torchapprox.layers import ApproxWrapper, layer_mapping_dict  # noqa: F401
