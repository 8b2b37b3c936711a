"""Where the rivals are absent, every test here says so."""

import pytest


@pytest.fixture(scope="session")
def stable_baselines3():
    """The package, or a skip that says how to get it."""
    return pytest.importorskip(
        "stable_baselines3",
        reason="stable-baselines3 is not installed; `make test-interop` installs it",
        exc_type=ImportError,
    )
