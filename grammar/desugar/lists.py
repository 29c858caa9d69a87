"""``x IN [a, b]``, which asks a list and not a row of values.

Layer: ``grammar``. Invariant: the two differ where an element is NULL, so the list stays a list.
"""

from __future__ import annotations

from sqlglot.tokenizer_core import TokenType

from grammar.groups import Group, Item, call, commas
from grammar.tokens import word


def lists_behind_in(items: list[Item]) -> list[Item]:
    """Write the list behind IN as a call, which the stock parser does not take apart."""
    out: list[Item] = []
    for number, item in enumerate(items):
        is_list = isinstance(item, Group) and item.opener.token_type is TokenType.L_BRACKET
        if isinstance(item, Group) and is_list and number and word(items[number - 1]) == "IN":
            if "FOR" in {word(part) for part in item.items}:
                out.append(item)
            else:
                out += call("__grizzly_fn_list_value", commas(item.items), item.opener)
        else:
            out.append(item)
    return out
