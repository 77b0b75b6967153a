"""Helpers under torchapprox's names. Those that rewrite PyTorch modules are not there."""
