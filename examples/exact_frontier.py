"""What a fairer policy costs at best: the exact frontier of a preset, without any sampling.

Definition: gain disparity, the difference between the groups' expected qualification gains. Groups:
advantaged and disadvantaged. Harm: one group rises while the other is left behind.
Run: python examples/exact_frontier.py
"""

import numpy as np

from evenhand.data.presets import drift_1
from evenhand.tabular.frontier import Frontier, FrontierPoint


def main() -> list[FrontierPoint]:
    """Points of the frontier, from no constraint to perfect balance in expectation."""
    frontier = Frontier(drift_1(), criterion="gain-disparity")
    return frontier.sweep([np.inf, 20, 10, 5, 0])


if __name__ == "__main__":
    print("tolerance   profit  disparity  price of one unit of tolerance")
    for point in main():
        print(f"{point.tolerance:9g} {point.profit:8.3f} {point.disparity:10.3f} {point.dual:9.3f}")
