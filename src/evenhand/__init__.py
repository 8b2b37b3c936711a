"""Long-run effects of decision policies on groups of people: simulate, learn, solve, audit."""

__version__ = "0.1.0"
