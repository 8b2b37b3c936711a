"""The tables of a run folder: their columns, and how they are read and written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from evenhand.core.errors import InputError
from evenhand.core.files import replacing

Schema = Mapping[str, Any]

_RUN = {"algorithm": pl.String, "seed": pl.Int64}
_VALUE = {"metric": pl.String, "group": pl.String, "value": pl.Float64}

# What the table `series` holds: by group the first three, of all groups together the others.
SERIES = (
    "approvals",
    "recall",
    "mean_score",
    "return",
    "qualification_gain_difference",
    "qualification_gain_signed_difference",
    "qualification_gain_noise_floor",
)
SCHEMA: dict[str, Schema] = {
    "final": {
        "digest": pl.String,
        "env": pl.String,
        **_RUN,
        "update": pl.Int64,
        "env_steps": pl.Int64,
        "metric": pl.String,
        "signal": pl.String,
        "group": pl.String,
        "value": pl.Float64,
        "count": pl.Float64,
    },
    "curves": {**_RUN, "update": pl.Int64, "env_steps": pl.Int64, **_VALUE},
    "series": {**_RUN, "step": pl.Int64, **_VALUE},
    "distributions": {
        **_RUN,
        "step": pl.Int64,
        "group": pl.String,
        "level": pl.Int64,
        "share": pl.Float64,
    },
    # Means over episodes; the loan rate at a level is approvals / decisions.
    "levels": {
        **_RUN,
        "group": pl.String,
        "level": pl.Int64,
        "decisions": pl.Float64,
        "approvals": pl.Float64,
    },
    "frontier": {
        "criterion": pl.String,
        "policy_class": pl.String,
        "tolerance": pl.Float64,
        "profit": pl.Float64,
        "disparity": pl.Float64,
        "dual": pl.Float64,
        "seconds": pl.Float64,
    },
    "reference": {
        "name": pl.String,
        "criterion": pl.String,
        "profit": pl.Float64,
        "disparity": pl.Float64,
    },
}


def read_table(path: Path, schema: Schema) -> pl.DataFrame:
    """The table in a parquet file with the columns of `schema`, in that order."""
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"cannot read {path}: {str(error).splitlines()[0]}") from error
    return conform(frame, schema, str(path))


def conform(frame: pl.DataFrame, schema: Schema, what: str) -> pl.DataFrame:
    """The frame with exactly the columns of `schema`, cast; an unknown column is an error."""
    missing = [name for name in schema if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in schema]
    if missing or unknown:
        raise InputError(
            f"{what} must have the columns {', '.join(schema)}; "
            f"missing: {', '.join(missing) or 'none'}, unknown: {', '.join(unknown) or 'none'}"
        )
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def write_table(
    path: Path, rows: pl.DataFrame | Sequence[Mapping[str, Any]], schema: Schema
) -> None:
    """Write a table as parquet: either the whole file appears under its name, or nothing does."""
    if isinstance(rows, pl.DataFrame):
        frame = rows
    else:
        names = dict.fromkeys(name for row in rows for name in row) or schema
        frame = pl.DataFrame(
            {name: [row.get(name) for row in rows] for name in names},
            schema_overrides={name: kind for name, kind in schema.items() if name in names},
        )
    frame = conform(frame, schema, str(path))
    with replacing(path) as temporary:
        frame.write_parquet(temporary)
