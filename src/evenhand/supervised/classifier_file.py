"""Trained classifiers in a file: settings and names as JSON, numbers as arrays, nothing pickled."""

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from evenhand.core.errors import InputError
from evenhand.core.files import replacing

_FORMAT = "evenhand-multi-task-classifier"
_VERSION = 1


def save_classifier(classifier: Any, path: str | Path) -> Path:
    """The file, in NumPy's .npz format, written as a whole or not at all."""
    if not hasattr(classifier, "state_"):
        raise InputError(f"{type(classifier).__name__} has nothing to save yet; call fit first")
    path = Path(path)
    settings = classifier.get_params(deep=False)
    settings["random_state"] = _plain_seed(settings["random_state"])
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "class": type(classifier).__name__,
        "module": type(classifier).__module__,
        "settings": settings,
        "num_features": int(classifier.n_features_in_),
        "image_shape": classifier.image_shape_,
        "feature_names": [str(name) for name in getattr(classifier, "feature_names_in_", ())],
        "task_names": classifier.task_names_,
        "one_column": classifier.one_column_,
        "best_epoch": int(classifier.best_epoch_),
    }
    arrays = {f"history.{name}": values for name, values in classifier.history_.items()}
    arrays |= {f"state.{i}": np.asarray(leaf) for i, leaf in _numbered(classifier.state_)}
    classes = [classifier.classes_] if classifier.one_column_ else classifier.classes_
    arrays |= {f"classes.{m}": _without_objects(values) for m, values in enumerate(classes)}
    arrays["header"] = np.array(json.dumps(header))
    arrays["groups"] = _without_objects(classifier.groups_)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]
    return path


def load_classifier(path: str | Path) -> Any:
    """The classifier that `save` wrote, of the class it had; it predicts the same numbers."""
    try:
        # numpy leaves a file open that it opened itself and cannot read.
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = dict(file)
    except (OSError, ValueError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path} cannot be read as a classifier; give a file written by its save method"
        ) from error
    header = json.loads(str(arrays.pop("header", "{}")))
    if header.get("format") != _FORMAT or header["version"] > _VERSION:
        raise InputError(
            f"{path} is not a classifier that this version of evenhand wrote; train it again"
        )
    made = _class_of(header["module"], header["class"], path)
    settings = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in header["settings"].items()
    }
    classifier = made(**settings)
    classes = [arrays[f"classes.{m}"] for m in range(len(header["task_names"]))]
    classifier.n_features_in_ = header["num_features"]
    shape = header["image_shape"]
    classifier.image_shape_ = None if shape is None else tuple(shape)
    if header["feature_names"]:
        classifier.feature_names_in_ = np.array(header["feature_names"], object)
    classifier.task_names_, classifier.one_column_ = header["task_names"], header["one_column"]
    classifier.classes_ = classes[0] if header["one_column"] else classes
    classifier.groups_, classifier.best_epoch_ = arrays["groups"], header["best_epoch"]
    prefix = "history."
    classifier.history_ = {
        name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)
    }
    # An untrained state has the shape of the trained one, and only the shape is taken from it.
    like = classifier._rule().init(np.random.default_rng(0), header["num_features"], len(classes))
    leaves = [jnp.asarray(arrays[f"state.{i}"]) for i, _ in _numbered(like)]
    classifier.state_ = jax.tree.unflatten(jax.tree.structure(like), leaves)
    return classifier


def _class_of(module: str, name: str, path: str | Path) -> Any:
    """The classifier of this name: one of evenhand's, or one that the program has defined.

    Nothing that only the file names is imported or called, so an untrusted file runs no code.
    """
    from evenhand import supervised
    from evenhand.supervised.classifier import MultiTaskClassifier

    if name in supervised.__all__:
        own = getattr(supervised, name)
        if own.__module__ == module:
            return own
    defined = [MultiTaskClassifier]
    for each in defined:
        defined += each.__subclasses__()
        if (each.__module__, each.__name__) == (module, name):
            return each
    raise InputError(
        f"{path} holds a {name} of {module}, which is no classifier of evenhand's nor one that is "
        "defined now; import it first, if you trust the file"
    )


def _numbered(state: Any) -> list[tuple[int, Any]]:
    return list(enumerate(jax.tree.leaves(state)))


def _plain_seed(random_state: Any) -> int | None:
    """A seed that JSON can hold; a generator's state is not kept."""
    return int(random_state) if isinstance(random_state, int | np.integer) else None


def _without_objects(values: np.ndarray) -> np.ndarray:
    """The same values in an array that needs no pickle."""
    return np.array(values.tolist()) if values.dtype == object else values
