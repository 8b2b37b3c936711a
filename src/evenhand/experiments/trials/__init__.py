"""Trials: repeatable comparisons of methods that are more than policies in one world."""
