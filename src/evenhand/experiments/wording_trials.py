"""Names and one line each of the methods that only trials compare."""

# Name -> title, what it is.
TRIAL_METHODS: dict[str, tuple[str, str]] = {}
