"""Settings that make jax compile less, or not at all; to be made before jax is imported.

Only environment variables are written and jax is not imported here, so this costs nothing. What
the user has set already stands.
"""

import hashlib
import mmap
import os
import platform
import sys
from importlib.util import find_spec
from pathlib import Path

# What we compile is small, so heavy optimisation does not pay. (Single-threaded matrix products,
# xla_cpu_multi_thread_eigen=false, were tried and made no difference that could be measured.)
_FLAGS = {"xla_backend_optimization_level": "1"}
# Versions of jaxlib whose library was looked at; in others the flags are searched for.
_KNOWN = ((0, 10), (0, 11))


def configure_compilation(cache: Path | None = None) -> Path:
    """Keep compiled programs on disk and optimise them lightly; returns the folder in use.

    Call it before anything imports jax. The folder is `cache`, or `$EVENHAND_CACHE_DIR`, or
    `$XDG_CACHE_HOME/evenhand`, and below it `jax/<machine type>`: programs compiled for one
    processor can fail on another.
    """
    folder = (cache or cache_folder()) / "jax" / machine_type()
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    # jax keeps only programs that took a second to compile; ours are many and small.
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    if "jax" not in sys.modules:
        flags = os.environ.get("XLA_FLAGS", "")
        for name in _accepted([name for name in _FLAGS if name not in flags]):
            flags = f"{flags} --{name}={_FLAGS[name]}".strip()
        os.environ["XLA_FLAGS"] = flags
    return Path(os.environ["JAX_COMPILATION_CACHE_DIR"])


def cache_folder() -> Path:
    """The folder for everything that can be made again."""
    if own := os.environ.get("EVENHAND_CACHE_DIR"):
        return Path(own)
    # The XDG rules: an empty or relative value counts as unset.
    shared = Path(os.environ.get("XDG_CACHE_HOME") or "")
    return (shared if shared.is_absolute() else Path.home() / ".cache") / "evenhand"


def machine_type() -> str:
    """A short name for this kind of processor: its architecture and a digest of its features."""
    about = [platform.system(), platform.machine(), platform.processor()]
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    for field in ("vendor_id", "model name", "flags", "Features"):
        about += [line for line in lines if line.startswith(field)][:1]
    digest = hashlib.sha256("\n".join(about).encode()).hexdigest()
    return f"{platform.machine() or 'unknown'}-{digest[:12]}"


def _accepted(names: list[str]) -> list[str]:
    """Those of the flags that the installed XLA knows: an unknown one would end the process."""
    spec = find_spec("jaxlib")
    if not names or spec is None or spec.origin is None:
        return []
    # Asking the metadata is a hundred times quicker than searching a library of 300 MB.
    if _KNOWN[0] <= _jaxlib_version() < _KNOWN[1]:
        return names
    found = set()
    for library in Path(spec.origin).parent.glob("libjax_common*"):
        with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as m:
            found |= {name for name in names if m.find(name.encode()) >= 0}
    return [name for name in names if name in found]


def _jaxlib_version() -> tuple[int, int]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        major, minor = version("jaxlib").split(".")[:2]
        return int(major), int(minor)
    except (PackageNotFoundError, ValueError):
        return 0, 0


def forget_programs() -> None:
    """Free the compiled programs of this process; those on disk stay.

    A program takes hundreds of memory mappings, and Linux allows a process 65,530: four scenarios
    of fourteen methods need more, and the compiler then ends the process without an exception.
    """
    import gc

    import jax

    jax.clear_caches()
    gc.collect()
