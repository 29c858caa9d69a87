"""Options of CREATE TABLE … WITH (…).

Layer: ``grammar``. Invariant: names are lower case; a bracketed list is a tuple, all else text.
"""

from __future__ import annotations

from sqlglot import exp


def table_options(create: exp.Create) -> dict[str, str | tuple[str, ...]]:
    """Give the options of a definition, such as ``type``, ``key`` and ``partition_by``."""
    options: dict[str, str | tuple[str, ...]] = {}
    properties = create.args.get("properties")
    for option in properties.expressions if properties else ():
        if type(option) is exp.Property:
            value = option.args["value"]
            several = isinstance(value, exp.Tuple)
            options[option.name] = (
                tuple(part.name for part in value.expressions) if several else value.name
            )
    return options
