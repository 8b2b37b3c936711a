"""Settings of the compiler are made before jax, and never over the user's own."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from evenhand.experiments import compilation
from evenhand.experiments.compilation import forget_programs


@pytest.fixture
def clean(monkeypatch):
    names = ("JAX_COMPILATION_CACHE_DIR", "EVENHAND_CACHE_DIR", "XDG_CACHE_HOME", "XLA_FLAGS")
    for name in (*names, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"):
        monkeypatch.delenv(name, raising=False)
        # Set and deleted again, so that what the function sets is undone as well.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return monkeypatch


def test_the_folder_follows_the_user_then_xdg_then_home(clean, tmp_path):
    clean.setenv("HOME", str(tmp_path))
    assert compilation.cache_folder() == tmp_path / ".cache" / "evenhand"
    clean.setenv("XDG_CACHE_HOME", "relative")
    assert compilation.cache_folder() == tmp_path / ".cache" / "evenhand"
    clean.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert compilation.cache_folder() == tmp_path / "xdg" / "evenhand"
    clean.setenv("EVENHAND_CACHE_DIR", str(tmp_path / "own"))
    assert compilation.cache_folder() == tmp_path / "own"


def test_machine_types_do_not_share_a_folder(clean, tmp_path):
    folder = compilation.configure_compilation(tmp_path)
    assert folder == tmp_path / "jax" / compilation.machine_type()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == str(folder)


def test_what_the_user_has_set_stands(clean, tmp_path):
    clean.setenv("JAX_COMPILATION_CACHE_DIR", "/mine")
    clean.setenv("XLA_FLAGS", "--xla_backend_optimization_level=3")
    clean.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "5")
    assert compilation.configure_compilation(tmp_path) == Path("/mine")
    assert os.environ["XLA_FLAGS"] == "--xla_backend_optimization_level=3"
    assert os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] == "5"


def test_a_second_process_finds_what_the_first_compiled(tmp_path):
    code = (
        "from evenhand.experiments.compilation import configure_compilation as c; c(); "
        "import jax; jax.jit(lambda x: x * 2 + 1)(3.0).block_until_ready()"
    )
    own = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_COMP", "XLA_"))}
    own["EVENHAND_CACHE_DIR"] = str(tmp_path)
    counts = []
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], check=True, env=own)
        counts.append(len(list(tmp_path.rglob("*-cache"))))
    assert counts[0] == counts[1] > 0


@pytest.mark.slow
def test_forgotten_programs_give_their_memory_mappings_back():
    def mappings():
        return len(Path("/proc/self/maps").read_text().splitlines())

    jax.jit(lambda x: x + 1)(jnp.ones(3))  # what jax sets up once is no program
    forget_programs()
    before = mappings()
    for size in range(1, 30):
        jax.jit(lambda x: jnp.sort(jnp.sin(x)) @ jnp.cumsum(x))(jnp.ones(size))
    held = mappings()
    forget_programs()
    assert held > before + 29
    assert mappings() - before < (held - before) / 2
