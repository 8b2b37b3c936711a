"""Strict flags for the whole suite.

Everything goes through environment variables, set before any test imports jax: a test without jax
stays fast, and programs started by a test are as strict as the test itself. Nothing here imports
evenhand at module level, since the shape checker must see its first import.
"""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

os.environ.setdefault("JAX_NUMPY_RANK_PROMOTION", "raise")
os.environ.setdefault("JAX_NUMPY_DTYPE_PROMOTION", "strict")
os.environ.setdefault("EVENHAND_CACHE_DIR", str(ROOT / ".cache"))
os.environ.setdefault("MPLBACKEND", "agg")

# The default deadline of 200 ms times XLA's compilation; derandomised, a failure repeats.
settings.register_profile("evenhand", deadline=None, derandomize=True)
settings.load_profile("evenhand")


# Last: jaxtyping's plugin has to come first, in old versions through this same hook.
@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    from evenhand.experiments.compilation import configure_compilation

    configure_compilation()


@pytest.fixture(autouse=True, scope="module")
def _room_for_programs():
    """Free compiled programs before their memory mappings run out: Linux allows 65,530."""
    yield
    maps = Path("/proc/self/maps")
    if maps.is_file() and maps.read_bytes().count(b"\n") > 20_000:
        from evenhand.experiments.compilation import forget_programs

        forget_programs()


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT
