"""Checks of what the system stands on, one dependency a file; each failure names its remedy."""
