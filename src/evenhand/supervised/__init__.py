"""Models of labels given inputs; names are imported when used, so that this stays light."""

from importlib import import_module
from typing import Any

# Tables with several binary targets.
_TABLES = {
    "MultiTaskTable": "multi_task_table",
    "load_acs_massachusetts": "acs_massachusetts",
    "load_acs_pums": "acs_pums",
    "load_celeba_attributes": "celeba_attributes",
    "load_celeba_images": "celeba_images",
    "load_census_income": "census_income",
    "load_table": "user_table",
}

# Classifiers of several binary targets.
_CLASSIFIERS = {
    "FairBranch": "fair_branch",
    "GreedyFMT": "shared_classifiers",
    "L2TFMT": "shared_classifiers",
    "MTAF": "mtaf",
    "SingleTask": "single_task",
    "VanillaMTL": "shared_classifiers",
    "load_classifier": "classifier_file",
}

_MODULES = {**_CLASSIFIERS, **_TABLES}

__all__ = sorted(_MODULES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
