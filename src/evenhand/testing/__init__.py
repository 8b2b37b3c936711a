"""Checks that anybody can run on their own worlds, learners and metrics."""

from evenhand.testing.algorithm import check_algorithm
from evenhand.testing.conformance import ConformanceError
from evenhand.testing.environment import check_environment
from evenhand.testing.metric import check_metric
from evenhand.testing.probes import PROBES, Probe, check_probe

__all__ = [
    "PROBES",
    "ConformanceError",
    "Probe",
    "check_algorithm",
    "check_environment",
    "check_metric",
    "check_probe",
]
