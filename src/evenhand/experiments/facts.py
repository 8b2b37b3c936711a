"""How a run was made, as terms and words."""

from typing import Any

from evenhand.experiments.record import Run


def run_facts(run: Run) -> list[tuple[str, str]]:
    """What was run, on what, for how long, as terms and words; absent facts are left out."""
    experiment, manifest = run.experiment, run.manifest
    facts = {
        "World": join_words(experiment.get("env"), experiment.get("preset")),
        "Budget": str(manifest.get("budget") or "") if experiment.get("kind") else "",
        "Settings": ", ".join(map(str, experiment.get("settings") or ())),
        "Training budget": _count(experiment.get("steps"), "environment steps per seed"),
        "Evaluation": join_words(
            _count(experiment.get("episodes"), "episodes per seed"),
            _count(experiment.get("evaluation_steps"), "decisions each"),
        ),
        "Seeds": join_words(str(len(run.seeds)), manifest.get("seed_mode")),
        "Device": join_words(manifest.get("device"), _count(manifest.get("cores"), "cores")),
        "Wall time": _seconds(manifest.get("wall_seconds")),
        "Compiling": _seconds(manifest.get("compile_seconds")),
        "Finished": str(manifest.get("finished") or ""),
        "Versions": ", ".join(f"{k} {v}" for k, v in (manifest.get("versions") or {}).items()),
        "Commit": str(manifest.get("commit") or ""),
        "Digest": run.digest,
    }
    return [(name, words) for name, words in facts.items() if words]


def join_words(*words: Any) -> str:
    """The words that there are, with commas."""
    return ", ".join(str(word) for word in words if word)


def _count(number: Any, unit: str) -> str:
    return f"{number:,} {unit}" if isinstance(number, int) else ""


def _seconds(seconds: Any) -> str:
    if not isinstance(seconds, int | float):
        return ""
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
