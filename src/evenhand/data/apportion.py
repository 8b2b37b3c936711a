"""Whole people from shares."""

import numpy as np


def largest_remainders(law: np.ndarray, size: int) -> np.ndarray:
    """Whole counts shaped like `law` that add up to `size`: floors first, then largest remainders.

    Ties go to the first cells, so the same law always gives the same people.
    """
    share = np.asarray(law, float).reshape(-1) * size
    # The tolerance keeps 0.15 * 100 = 14.999... from losing a person.
    counts = np.floor(share + 1e-9).astype(int)
    missing = size - counts.sum()
    counts[np.argsort(counts - share, kind="stable")[:missing]] += 1
    return counts.reshape(np.shape(law))
