"""What a run says of itself: versions, device, times."""

import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from evenhand.experiments.config import Experiment

_PACKAGES = ("evenhand", "jax", "jaxlib", "equinox", "optax", "numpy", "scipy", "highspy", "polars")


class CompileClock:
    """Seconds the compiler has worked since this object was made, over all threads."""

    def __init__(self) -> None:
        import jax

        self.seconds = 0.0
        jax.monitoring.register_event_duration_secs_listener(self._hear)

    def _hear(self, event: str, duration_secs: float, **kwargs: str | int) -> None:
        if event.endswith("backend_compile_duration"):
            self.seconds += duration_secs


def seconds_since_start() -> float:
    """Seconds since this process began, interpreter start included where the system tells."""
    try:
        ticks = float(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        up = float(Path("/proc/uptime").read_text().split()[0])
        return up - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.process_time()


def manifest(
    experiment: Experiment,
    before: dict[str, Any],
    started: float,
    compile_seconds: float,
    first_update_seconds: float | None,
    seed_mode: str,
) -> dict[str, Any]:
    """The manifest after a (possibly resumed) run; times add up over its sittings."""
    import jax

    device = jax.devices()[0]
    compiled = round(before.get("compile_seconds", 0.0) + compile_seconds, 2)
    return facts(experiment.digest(), before, started) | {
        "device": f"{device.platform}: {device.device_kind}",
        "seed_mode": seed_mode,
        "compile_seconds": compiled,
        "first_update_seconds": before.get("first_update_seconds", first_update_seconds),
    }


def facts(digest: str, before: dict[str, Any], started: float) -> dict[str, Any]:
    """What every manifest says, also of a run without compiled code."""
    return {
        "digest": digest,
        "versions": _versions(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "commit": _commit(),
        "wall_seconds": round(before.get("wall_seconds", 0.0) + time.time() - started, 2),
        "started": before.get("started", _date(started)),
        "finished": _date(time.time()),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            from evenhand import __version__

            found[name] = __version__ if name == "evenhand" else "unknown"
    return found


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _commit() -> str | None:
    """The commit of the checkout the library runs from, None for an installed package."""
    here = Path(__file__).parent
    try:
        root = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=here, capture_output=True, text=True,
            timeout=5, check=True,
        )  # fmt: skip
        return root.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
