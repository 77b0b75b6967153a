"""Verilog, read and written."""
