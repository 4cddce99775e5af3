"""Parts of the data: training, validation and test, each with its share of every class."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import DataError


def split(
    count: int,
    shares: Sequence[float],
    seed: int,
    strata: Sequence[Hashable] | None = None,
    groups: Sequence[str] | None = None,
) -> list[NDArray[np.int64]]:
    """Part N sequences at random: one part a share, and the rest as the last.

    Args:
        count: N.
        shares: of N, each below 1.
        seed: of the choice.
        strata: (N,) classes; each part has of each its share, as nearly as whole sequences allow.
        groups: (N,) names; those of one group go to one part.

    Returns:
        The indices of each part, growing.

    Raises:
        DataError: a part with a share, or the rest, would be empty.
    """
    generator = np.random.default_rng(seed)
    items = _units(count, strata, groups)
    order = _spread(items, generator, strata if groups is None else None)
    ends = np.minimum(np.cumsum([_size(share, len(items)) for share in shares]), len(items))
    borders = [0, *ends.tolist(), len(items)]
    parts = [
        np.sort(np.concatenate([items[k] for k in order[a:b]]).astype(np.int64)) if b > a else np.empty(0, np.int64)
        for a, b in zip(borders, borders[1:], strict=False)
    ]
    wanted = [share > 0 for share in shares] + [True]
    if any(want and not len(part) for want, part in zip(wanted, parts, strict=True)):
        what = "groups" if groups is not None else "sequences"
        raise DataError(
            f"expected {what} enough for training and for what is held out, got {len(items)}; give more, or files for "
            "validation and test"
        )
    return parts


def _units(count: int, strata: Sequence[Hashable] | None, groups: Sequence[str] | None) -> list[NDArray[np.int64]]:
    if groups is None:
        return [np.array([k]) for k in range(count)]
    members: dict[str, list[int]] = {}
    for k, group in enumerate(groups):
        members.setdefault(group, []).append(k)
    return [np.array(m) for m in members.values()]


def _size(share: float, count: int) -> int:
    return max(round(share * count), 1) if share > 0 else 0


def _spread(
    items: list[NDArray[np.int64]], generator: np.random.Generator, strata: Sequence[Hashable] | None
) -> list[int]:
    """Order the items at random so that each stretch has of each class its share.

    A class of n members lies at (k + u) / n for k = 0 … n - 1, with one u drawn for the class. A class of one member
    goes to the end, which is the training part: what is never trained on can't be predicted.
    """
    if strata is None:
        return [int(k) for k in generator.permutation(len(items))]
    members: dict[Hashable, list[int]] = {}
    for k, item in enumerate(items):
        members.setdefault(strata[int(item[0])], []).append(k)
    placed: list[tuple[float, int]] = []
    for of in members.values():
        shift = generator.uniform()
        shuffled = generator.permutation(np.array(of))
        n = len(of)
        placed += [((k + shift) / n if n > 1 else 1.0, int(m)) for k, m in enumerate(shuffled)]
    return [m for _, m in sorted(placed)]
