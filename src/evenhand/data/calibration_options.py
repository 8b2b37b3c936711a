"""The choices of a calibration."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CalibrationOptions:
    """How to score, bin and estimate, and the numbers that no records show."""

    num_levels: int = 10
    binning: str = "quantile"
    edges: tuple[float, ...] = ()
    monotone: bool = False
    direction: str = "auto"
    include_group: bool = False
    features: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    status_columns: tuple[str, ...] = ()
    """Months of delay, oldest month first; given, the moves of the levels are estimated."""
    lagged: tuple[tuple[str, ...], ...] = ()
    """Further monthly columns, each as long as `status_columns` and in the same order."""
    delayed_from: float = 1.0
    confidence: float = 0.95
    num_folds: int = 5
    num_resamples: int = 200
    seed: int = 0
    name: str = "calibrated"
    people: int = 2000
    reward_repaid: float = 1.0
    reward_default: float = -4.0
    up: int = 1
    down: int = 2
