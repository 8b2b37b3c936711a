"""The run-time type checker of the tests: beartype, with ints where floats are asked for."""

from beartype import BeartypeConf, beartype

# Type checkers and readers take an int for a float (PEP 484's numeric tower); so do the tests.
check = beartype(conf=BeartypeConf(is_pep484_tower=True))
