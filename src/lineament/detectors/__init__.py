"""Attribute detectors: part networks, their heads, and how well they do."""
