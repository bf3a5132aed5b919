"""Which documents the wordings near a question speak for.

The nearest wording alone may be near by chance, and ten that say much the same are no ten witnesses. So each question
is predicted from the wordings nearest to it, by what tells their documents apart: kernel ridge regression (Saunders,
Gammerman & Vovk 1998), fitted for each question on its neighbours (local learning, Bottou & Vapnik 1992). A near miss
is a wording of no document, and speaks against those that it stands between. It costs about a millisecond however
large the knowledge is, and nothing has to be fitted beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Matrix = NDArray[np.float32]
Places = NDArray[np.int64]

NOTHING = -1.0  # the likeness to a document without any wording
NOBODY = -1  # the owner of what only sounds like a document
_RIDGE = 0.1  # 0.03 and 0.3 change little


def most(values: NDArray[np.floating], owners: Places, size: int) -> Scores:
    """For each document the most of its passages' values, ``NOTHING`` where it has none."""
    found = np.full(size, NOTHING)
    np.maximum.at(found, owners, values)
    return found


def owners_of(texts: Sequence[Sequence[object]]) -> Places:
    """The owner of each text, where ``texts`` are those of each document."""
    return np.repeat(np.arange(len(texts), dtype=np.int64), [len(each) for each in texts])


def votes(
    near: NDArray[np.floating], among: Callable[[Places], Matrix], owners: Places, size: int, neighbours: int
) -> tuple[Scores, float]:
    """For each document (0 to ``size`` - 1) how far its wordings speak for it: about 1 for it alone, about 0 against;
    and the same for no document.

    ``near`` is the kernel between the question and each wording, ``among`` that among those of given places, which is
    1 on the diagonal; ``owners`` may be ``NOBODY``.
    """
    found = np.zeros(size + 1)
    places = np.flatnonzero(near > 0)
    if len(places) > neighbours:
        places = np.sort(np.argpartition(-near, neighbours)[:neighbours])
    if len(places):
        kernel = among(places)
        kernel[np.arange(len(places)), np.arange(len(places))] += _RIDGE
        weights = np.linalg.solve(kernel, near[places].astype(np.float32))
        np.add.at(found, owners[places], weights)  # NOBODY is the last place
    return found[:size], float(found[size])
