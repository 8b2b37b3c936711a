"""A trial for tests: coins of two groups are thrown, and a method says how biased they are."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evenhand.core.errors import InputError
from evenhand.experiments.trials.trial import Trial
from evenhand.experiments.wording import Measure


@dataclass(frozen=True)
class CoinTrial(Trial):
    """Heads of thrown coins."""

    kind: ClassVar[str] = "coins"
    unit: ClassVar[str] = "throws"
    measures: ClassVar[dict[str, Measure]] = {
        "heads": Measure("Heads", "share", "Share of heads.", "Nobody."),
        "gap": Measure("Gap", "share", "Difference in heads.", "Nobody."),
    }

    throws: int = 100
    chances: tuple[float, ...] = (0.5, 0.5)

    @classmethod
    def known_methods(cls):
        return {"plain": (), "bent": ("by", "fail")}

    def world(self):
        if not all(0 <= chance <= 1 for chance in self.chances):
            raise InputError(f"chances must lie from 0 to 1, got {self.chances}")
        return {"groups": ["left", "right"]}

    def work(self, method):
        return self.throws

    def run_part(self, method, seed, advance, state):
        options = self.options(method)
        if options.get("fail"):
            raise InputError("this coin has no sides; take another")
        rng, chances = np.random.default_rng(seed), np.array(self.chances)
        heads = rng.binomial(self.throws, chances + options.get("by", 0.0)) / self.throws
        for _ in range(self.throws // 10):
            advance(10)
        final = [
            {"metric": "heads", "group": group, "value": float(share)}
            for group, share in zip(("left", "right"), heads, strict=True)
        ]
        final.append({"metric": "gap:of-coins", "group": "", "value": float(np.ptp(heads))})
        curve = {"update": 0, "metric": "heads", "group": "left"}
        points = [curve | {"env_steps": n, "value": float(heads[0])} for n in (1, self.throws)]
        return {"final": final, "curves": points}
