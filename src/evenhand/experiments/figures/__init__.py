"""Figures of a run, one per file; each function returns a matplotlib Figure."""
