"""Answers of functions whose arguments never change are remembered.

Layer: ``cache``. Invariant: an answer follows from the arguments alone, whatever else goes on.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

_KEPT = 1_024


def remembered(function: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """Return a function that computes each answer once, as long as it remembers it.

    Cost: hashing the arguments. Answers are shared: nobody may change one.
    """
    kept = functools.lru_cache(_KEPT)(function)  # noqa: TID251 - this is where caches live
    return cast("Callable[Given, Answer]", kept)
