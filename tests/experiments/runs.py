"""A made-up run folder with the shape of a real one; every number is a plain formula."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evenhand.experiments.record import SCHEMA, write_table, write_text

CRITERIA = ("gain-disparity", "approval-gap", "score-w1", "recall-gap")
OPTIONAL = ("curves", "series", "distributions", "levels", "frontier", "reference")


@dataclass(frozen=True)
class MadeUp:
    groups: tuple[str, ...] = ("white", "black")
    methods: tuple[str, ...] = ("ppo", "max-util", "threshold:3")
    seeds: int = 4
    levels: int = 4
    without: tuple[str, ...] = ()
    no_data: tuple[str, ...] = ()
    """Metrics whose every value is NaN."""

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        # `levels` is a number of this class, so its table is made by another name.
        made = {name: f"{name}_table" if name == "levels" else name for name in OPTIONAL}
        tables = {name: getattr(self, of)() for name, of in made.items()} | {"final": self.final()}
        for name, rows in tables.items():
            if name not in self.without:
                write_table(folder / f"{name}.parquet", rows, SCHEMA[name])
        for name in ("experiment", "manifest", "world"):
            write_text(folder / f"{name}.json", json.dumps(getattr(self, name)()))
        return folder

    def change(self, **fields) -> "MadeUp":
        return replace(self, **fields)

    def runs(self):
        for m, method in enumerate(self.methods):
            for seed in range(self.seeds):
                yield m, method, seed, np.sin(1 + 3 * m + 7 * seed)

    def final(self):
        rows = []
        for m, method, seed, noise in self.runs():
            overall = {
                "return": 2000 - 150 * m + 20 * noise,
                "recall_difference": 0.1 + 0.05 * m + 0.01 * noise,
                "approval_rate_difference": 0.2 + 0.01 * noise,
                "credit_gap_true": 1.0 + 0.1 * m + 0.05 * noise,
                "qualification_gain_difference": 40 + 10 * m + noise,
            }
            overall |= {f"criterion:{name}": 0.2 + 0.1 * m + 0.01 * noise for name in CRITERIA}
            cells = [(name, "", value) for name, value in overall.items()]
            for g, group in enumerate(self.groups):
                cells += [
                    ("return_by_group", group, 1000 - 100 * g + noise),
                    ("approval_rate", group, 0.7 - 0.1 * g + 0.01 * noise),
                    ("recall", group, 0.9 - 0.1 * g + 0.01 * noise),
                    ("qualification_gain", group, 30 - 40 * g + noise),
                    ("a_new_metric", group, noise),
                ]
            for metric, group, value in cells:
                value = np.nan if metric in self.no_data else float(value)
                head = {"digest": "0123456789ab", "env": "Lending-v0", "algorithm": method}
                head |= {"seed": seed, "update": 10, "env_steps": 4000, "signal": "profit"}
                rows.append(head | {"metric": metric, "group": group, "value": value, "count": 9})
        return rows

    def curves(self):
        return [
            {"algorithm": "ppo", "seed": seed, "update": u, "env_steps": 400 * u}
            | {"metric": "reward", "group": "", "value": 0.2 - np.exp(-u) + 0.01 * seed}
            for seed in range(self.seeds)
            for u in range(8)
        ]

    def series(self):
        rows = []
        for m, method, seed, noise in self.runs():
            for step in range(1000, 10001, 1000):
                for g, group in enumerate(self.groups):
                    at = {"algorithm": method, "seed": seed, "step": step, "group": group}
                    approved = step * (0.4 - 0.1 * g) + noise
                    found = 0.9 - 0.1 * g - 0.01 * m
                    rows.append(at | {"metric": "approvals", "value": approved})
                    rows.append(at | {"metric": "recall", "value": found})
                at = {"algorithm": method, "seed": seed, "step": step, "group": ""}
                sums = {"return": step * (0.1 - 0.03 * m) + noise}
                sums["qualification_gain_difference"] = step * (0.002 + 0.001 * m) + noise
                sums["qualification_gain_noise_floor"] = 0.1 * step**0.5 * (1 + m)
                rows += [at | {"metric": name, "value": value} for name, value in sums.items()]
        return rows

    def levels_table(self):
        rows = []
        for m, method, seed, noise in self.runs():
            for g, group in enumerate(self.groups):
                for level in range(self.levels):
                    made = 100.0 * level + 10 * seed
                    rate = (level + 0.1 * m + 0.1 * g) / self.levels + 0.02 * noise
                    row = {"algorithm": method, "seed": seed, "group": group, "level": level}
                    rows.append(row | {"decisions": made, "approvals": rate * made})
        return rows

    def distributions(self):
        rows = []
        for _, method, seed, _ in self.runs():
            for step in (0, 10000):
                for g, group in enumerate(self.groups):
                    share = np.roll(np.arange(1.0, self.levels + 1), g + step // 5000)
                    for level, part in enumerate(share / share.sum()):
                        row = {"algorithm": method, "seed": seed, "step": step, "group": group}
                        rows.append(row | {"level": level, "share": part})
        return rows

    def frontier(self):
        rows = []
        for criterion in CRITERIA:
            for kind, lift in (("time", 0), ("visit", -20)):
                for at in np.linspace(0, 0.4, 9):
                    profit = 2050 - 400 * (1 - at / 0.4) ** 2 + lift
                    row = {"criterion": criterion, "policy_class": kind, "tolerance": at}
                    rows.append(row | {"profit": profit, "disparity": at, "dual": 1, "seconds": 0})
        return rows

    def reference(self):
        values = (
            ("exact optimum", 2050, 0.4),
            ("exact myopic rule", 1850, 0.3),
            ("threshold:0", -9000, 0.1),
        )
        return [
            {"name": name, "criterion": criterion, "profit": profit, "disparity": at}
            for name, profit, at in values
            for criterion in CRITERIA
        ]

    def experiment(self):
        return {
            "name": "made-up",
            "env": "Lending-v0",
            "preset": "fico",
            "groups": ",".join(self.groups),
            "settings": [],
            "methods": self.methods,
            "seeds": self.seeds,
            "episodes": 5,
            "steps": 4000,
            "evaluation_steps": 10000,
        }

    def manifest(self):
        return {
            "digest": "0123456789ab",
            "versions": {"evenhand": "0.1.0", "jax": "0.10.2"},
            "device": "cpu",
            "cores": 2,
            "wall_seconds": 12.5,
        }

    def world(self):
        count = len(self.groups)
        return {
            "groups": self.groups,
            "level_labels": [f"{25 * k}-{25 * k + 25}" for k in range(self.levels)],
            "population_per_group": [1000] * count,
            "break_even": 0.8,
            "assumed": {"reward_default": "a default costs <four> repayments & more"},
            "source": "TransUnion TransRisk scores, US Federal Reserve report to Congress, 2007",
            "episode_steps": 10000,
        }
