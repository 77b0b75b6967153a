"""Circuits that others wrote: sources read as netlists, and netlists written out."""
