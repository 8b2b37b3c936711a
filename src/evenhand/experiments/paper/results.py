"""What a study leaves in its results folder: records small enough to be kept with the paper."""

import shutil
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from evenhand.core.files import write_text
from evenhand.core.plain import to_json
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.loan_rates import loan_rates
from evenhand.experiments.paper.judging import Verdict, judge, verdict_row
from evenhand.experiments.paper.study import Study
from evenhand.experiments.paper.wanted import shown_metrics
from evenhand.experiments.tables import write_table

LEFT_OUT = (
    "Left out to keep the folder small: training curves and series of single seeds (mean and 95% "
    "interval are kept, at most 25 points each), measures that no figure shows, what learners "
    "log about themselves, and the score distributions. A run has them in its own folder."
)
_POINTS = 25
_CURVES = ("return", "recall", "recall_difference", "approval_rate", "credit_gap_true")
_CURVES += ("credit_gap_observed", "social_burden", "qualification_gain_difference")
_VALUES = {"metric": pl.String, "group": pl.String}
_BAND = {"mean": pl.Float32, "low": pl.Float32, "high": pl.Float32}
_HEAD = {"scenario": pl.String, "algorithm": pl.String}
SCHEMAS: dict[str, dict[str, Any]] = {
    "final": {**_HEAD, "seed": pl.Int64, **_VALUES, "value": pl.Float64},
    "curves": {**_HEAD, "env_steps": pl.Int64, **_VALUES, **_BAND},
    "series": {**_HEAD, "step": pl.Int64, **_VALUES, **_BAND},
    "levels": {**_HEAD, "group": pl.String, "level": pl.Int64, "decisions": pl.Float32, **_BAND},
    "frontier": {
        "scenario": pl.String,
        **dict.fromkeys(("criterion", "policy_class"), pl.String),
        **dict.fromkeys(("tolerance", "profit", "disparity"), pl.Float64),
    },
}


def write_results(
    study: Study, runs: Mapping[str, Estimates], verdicts: list[Verdict], folder: Path
) -> None:
    """Write records and verdicts; the manifest comes last, so that a folder with one is whole."""
    (folder / "manifest.json").unlink(missing_ok=True)
    for name, rows in _tables(study, runs).items():
        write_table(folder / f"{name}.parquet", rows, SCHEMAS[name])
    lines = ",\n".join(to_json(verdict_row(verdict)) for verdict in verdicts)
    write_text(folder / "verdicts.json", f'{{"verdicts": [\n{lines}\n]}}\n')
    write_text(folder / "manifest.json", to_json(_manifest(study, runs), indent=1) + "\n")


def judged(study: Study, runs: Mapping[str, Estimates]) -> list[Verdict]:
    """A verdict on every claim of the study, in the order of its file."""
    from evenhand.experiments.paper.claims import read_claims

    return [judge(claim, runs) for claim in read_claims(study)]


def fresh_folder(folder: Path, name: str) -> Path:
    """An empty folder of this name in another one: what an earlier call drew is not kept."""
    made = folder / name
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    return made


def _manifest(study: Study, runs: Mapping[str, Estimates]) -> dict[str, Any]:
    made = {}
    for name, estimates in runs.items():
        run = estimates.run
        kept = ("versions", "python", "device", "cores", "commit", "seed_mode", "wall_seconds")
        kept += ("started", "finished", "budget")
        made[name] = {
            "digest": run.digest,
            "seeds": list(run.seeds),
            "methods": list(run.methods),
            **{key: run.manifest.get(key) for key in kept},
        }
    head = {"experiment_digest": study.digest, "study": study.name}
    return head | {"scenarios": made, "left_out": LEFT_OUT}


def _tables(study: Study, runs: Mapping[str, Estimates]) -> dict[str, pl.DataFrame]:
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in SCHEMAS}
    plotted = {*_CURVES, *shown_metrics(study, "training-curves")}
    by_task = shown_metrics(study, "share-map")
    for name, estimates in runs.items():
        run = estimates.run
        parts["final"].append(_conform(run.final, "final", name))
        if run.frontier is not None:
            parts["frontier"].append(_conform(run.frontier, "frontier", name))
        parts["levels"].append(_conform(_rates(estimates), "levels", name))
        curves = run.curves
        if curves is not None:
            of_tasks = pl.col("metric").str.split(":").list.first().is_in(by_task)
            curves = curves.filter(pl.col("metric").is_in(plotted) | of_tasks)
        for table, x, rows in (("curves", "env_steps", curves), ("series", "step", run.series)):
            if rows is not None and not rows.is_empty():
                parts[table].append(_conform(_bands(estimates, rows, x), table, name))
    empty = {name: pl.DataFrame(schema=schema) for name, schema in SCHEMAS.items()}
    return {name: pl.concat(found) if found else empty[name] for name, found in parts.items()}


def _conform(frame: pl.DataFrame, table: str, scenario: str) -> pl.DataFrame:
    named = frame.with_columns(pl.lit(scenario).alias("scenario"))
    return named.select(pl.col(name).cast(kind) for name, kind in SCHEMAS[table].items())


def _rates(estimates: Estimates) -> pl.DataFrame:
    """Loan rates by level: mean and 95% interval over seeds."""
    made: list[pl.DataFrame] = [pl.DataFrame(schema=SCHEMAS["levels"]).drop("scenario")]
    for method, group in product(estimates.run.methods, estimates.run.groups):
        found = loan_rates(estimates, method, group)
        if found is not None:
            head = {"algorithm": method, "group": group, "level": range(len(found.decisions))}
            ends = dict(zip(_BAND, found.band, strict=True))
            rows = pl.DataFrame({**head, "decisions": found.decisions, **ends})
            made.append(rows.cast(made[0].schema))
    return pl.concat(made).with_columns(pl.col("decisions", *_BAND).round_sig_figs(4))


def _bands(estimates: Estimates, rows: pl.DataFrame, x: str) -> pl.DataFrame:
    """Mean and 95% interval over seeds at up to `_POINTS` places of every curve."""
    made = []
    keys = rows.select("algorithm", "metric", "group").unique(maintain_order=True).rows()
    for method, metric, group in keys:
        read = estimates.curve if x == "env_steps" else estimates.series
        found = read(method, metric, group)
        if found is None:
            continue
        at, band = found
        kept = np.unique(np.linspace(0, len(at) - 1, min(_POINTS, len(at))).round().astype(int))
        ends = zip(("mean", "low", "high"), band[:, kept], strict=True)
        columns = {x: at[kept], **{name: pl.Series(v).round_sig_figs(4) for name, v in ends}}
        words = {"algorithm": method, "metric": metric, "group": group}
        made.append(
            pl.DataFrame(columns).with_columns(pl.lit(v).alias(k) for k, v in words.items())
        )
    return pl.concat(made)
