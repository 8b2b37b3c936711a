"""The folder of a reproduced paper: what it claims, how it is run, and what came out.

`papers/README.md` describes the files. Nothing here runs an experiment.
"""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

from evenhand.core.errors import InputError
from evenhand.core.plain import plain

VERDICTS = ("holds", "does not hold", "undecided")
MAIN = "experiment"
# Files of a paper's folder that are no experiments.
_OTHERS = ("claims", "figures")


def experiment_digest(experiment: Path) -> str:
    """SHA-256 of the canonical JSON of an experiment file, so comments and order do not count."""
    text = json.dumps(plain(read_toml(experiment)), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_verdicts(folder: Path) -> list[dict[str, Any]]:
    """One row per claim of the paper, in the order of its claims file, from stored records.

    A row holds `id, statement, statistic, interval, verdict`. Records that are absent, or were
    made by another experiment file, are an `InputError` that names the command to make them.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; give one such as papers/<key>")
    rows: list[dict[str, Any]] = []
    for study in study_names(folder):
        end = "" if study == MAIN else f"-{study}"
        if (folder / f"claims{end}.toml").is_file():
            rows += _study_verdicts(folder, study, f"claims{end}.toml")
    if not rows:
        raise InputError(f"{folder} has no claims.toml with [[claims]]")
    return rows


def study_names(folder: Path) -> list[str]:
    """Names of the experiment files of a paper's folder, the main one first."""
    found = sorted(f.stem for f in folder.glob("*.toml") if f.stem.partition("-")[0] not in _OTHERS)
    return sorted(found, key=lambda name: name != MAIN)


def _study_verdicts(folder: Path, study: str, claims: str) -> list[dict[str, Any]]:
    results = Path("results") if study == MAIN else Path("results") / study
    remedy = remake(folder if study == MAIN else folder / study)
    manifest = _record(folder, results / "manifest.json", remedy)
    if manifest.get("experiment_digest") != experiment_digest(folder / f"{study}.toml"):
        raise InputError(f"{folder / study}.toml has changed since its records were made; {remedy}")
    rows = _record(folder, results / "verdicts.json", remedy).get("verdicts", [])
    found = {row["id"]: row for row in rows}
    return [_row(folder, claim, found, remedy) for claim in _claims(folder, claims)]


def read_toml(path: Path) -> dict[str, Any]:
    """The contents of a TOML file; an `InputError` where it is absent or cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error


def remake(folder: Path) -> str:
    """The half sentence that says how a folder's records are made."""
    return f"make them with: evenhand run {folder}"


def _claims(folder: Path, name: str) -> list[dict[str, Any]]:
    claims = read_toml(folder / name).get("claims", [])
    for claim in claims:
        if not {"id", "statement"} <= claim.keys():
            raise InputError(f"{folder / name}: every claim needs an id and a statement")
    if not claims:
        raise InputError(f"{folder / name} has no [[claims]]")
    return claims


def _record(folder: Path, name: Path, remedy: str) -> dict[str, Any]:
    path = folder / name
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder} has no {name}; {remedy}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); {remedy}") from error
    if not isinstance(record, dict):
        raise InputError(f"{path} should hold one JSON object; {remedy}")
    return record


def _row(folder: Path, claim: dict[str, Any], found: dict[str, Any], remedy: str) -> dict[str, Any]:
    verdict = found.get(claim["id"])
    if verdict is None:
        raise InputError(f"{folder} has no verdict on claim {claim['id']!r}; {remedy}")
    if verdict.get("verdict") not in VERDICTS:
        raise InputError(
            f"{folder}: the verdict on claim {claim['id']!r} is {verdict.get('verdict')!r}, "
            f"not one of {', '.join(VERDICTS)}; {remedy}"
        )
    return {
        "id": claim["id"],
        "statement": claim["statement"],
        "statistic": verdict.get("statistic"),
        "interval": verdict.get("interval"),
        "verdict": verdict["verdict"],
    }
