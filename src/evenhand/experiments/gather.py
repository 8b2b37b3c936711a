"""From the finished parts of a run to its tables."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evenhand.core.errors import InputError
from evenhand.experiments.folder import EXACT, Part, read_part


def gather(
    folder: Path,
    parts: Sequence[Part],
    digest: str,
    env: str,
    more: Mapping[Part, list[dict[str, Any]]] | None = None,
) -> None:
    """Write every table of a run from its parts; `more` are final rows beside a part's own."""
    from evenhand.experiments.tables import SCHEMA, write_table

    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in SCHEMA}
    for method, seed in parts:
        content = read_part(folder, (method, seed))
        if content is None:
            raise InputError(f"a part of the run in {folder} has vanished; run the command again")
        for name, rows in content.items():
            if method == EXACT:
                tables[name] += rows
                continue
            head: dict[str, Any] = {"algorithm": method, "seed": seed}
            if name == "final":
                head |= {"digest": digest, "env": env}
                rows = rows + list((more or {}).get((method, seed), ()))
            tables[name] += [{**head, **row} for row in rows]
    for name, rows in tables.items():
        write_table(folder / f"{name}.parquet", rows, SCHEMA[name])


def before(path: Path) -> dict[str, Any]:
    """What an earlier sitting wrote in the manifest."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def as_json(content: Any) -> str:
    """The text of a JSON file."""
    return json.dumps(content, indent=1, default=str) + "\n"
