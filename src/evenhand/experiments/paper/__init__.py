"""Reproducing a paper: its scenarios, its claims, their verdicts, tables, figures and page."""
