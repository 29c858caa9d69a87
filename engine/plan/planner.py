"""From a bound statement to a plan.

Layer: ``plan``. Invariant: planning reads definitions only; it touches no data and changes nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from engine.analyze import Binder
from engine.datatypes import parse_type
from engine.errors import UnsupportedError, UsageError
from engine.plan import nodes
from engine.plan.definitions import DefinitionPlanner
from engine.plan.rows import RowPlanner
from engine.plan.text import comma, ident, literal
from grammar import nodes as statements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.analyze import Source, Surroundings


class Planner:
    """Plans one statement.

    Cost: parsing aside, well under a millisecond for a statement of one line.
    """

    def __init__(
        self,
        around: Surroundings,
        text: str,
        token: Callable[[], str],
        arity: Callable[[Sequence[Source], str], list[str]],
    ) -> None:
        """Plan a statement of ``text`` in ``around``; ``arity`` names a bound query's columns."""
        self.binder = Binder(around)
        self._text = text
        self._token = token
        self._arity = lambda sql: arity(self.binder.sources, sql)
        self._rows = RowPlanner(self.binder, self._arity)

    def plan(self, statement: statements.Statement) -> nodes.Plan:
        """Return what is to be done.

        Raises: BindError, UnsupportedError, TypeMismatchError, UsageError.
        """
        match statement:
            case statements.Query(ast=ast):
                return self.select(ast)
            case statements.Upsert():
                return self._rows.upsert(statement)
            case statements.Write():
                return self._write(statement)
            case statements.Define(ast=ast):
                written = self._text[statement.span.start : statement.span.end]
                return DefinitionPlanner(self.binder, self._arity, self._token, written).plan(ast)
            case statements.Alter():
                return DefinitionPlanner(self.binder, self._arity, self._token, "").alter(statement)
            case _:
                raise UnsupportedError("this statement has no plan", span=statement.span)

    def select(self, ast: exp.Expr) -> nodes.Select:
        """Plan a query."""
        sql = self.binder.sql(ast)
        return nodes.Select(sql, tuple(self.binder.sources))

    def select_of(self, target: exp.Table | statements.Statement) -> nodes.Select:
        """Plan the query that DESCRIBE and SUMMARIZE look at: a table's rows, or a query's.

        Raises: UnsupportedError when it is neither.
        """
        if isinstance(target, exp.Table):
            return self.select(exp.select("*").from_(target))
        if not isinstance(target, statements.Query):
            raise UnsupportedError("only tables and queries have columns", span=target.span)
        return self.select(target.ast)

    def export(self, node: statements.Copy, form: str) -> nodes.Export:
        """Plan COPY … TO a path.

        Raises: BindError, UsageError.
        """
        if isinstance(node.source, str) or not isinstance(node.target, str):
            raise UsageError("COPY … TO a file takes a table or a query in brackets")
        query: exp.Expr = node.source
        if isinstance(query, exp.Table):
            columns: list[exp.Expr] = [exp.column(c, quoted=True) for c in node.columns]
            columns = columns or [exp.Star()]
            query = exp.select(*columns).from_(query)
        return nodes.Export(self.select(query), node.target, form, self.copy_options(node))

    def copy_options(self, node: statements.Copy) -> dict[str, str]:
        """Return the options of a COPY but its format, as SQL literals."""
        found = {k: _option_sql(v) for k, v in node.options.items() if k != "format"}
        return {_SAME_OPTION.get(k, k): v for k, v in found.items()}

    def typed_option(self, node: statements.Copy, columns: Sequence[str]) -> dict[str, str]:
        """Return the option by which a CSV is read in the types of the table it goes to.

        So a value that does not fit is reported with its line.
        """
        if not isinstance(node.target, exp.Table):
            return {}
        table = self.binder.existing(*self.binder.qualify(node.target))
        found = [(c, table.column(c)) for c in columns] if table is not None else []
        pairs = [
            f"{literal(name)}: {literal(column.type)}"
            for name, column in found
            if column is not None and not parse_type(column.type).cast_on_read
        ]
        return {"types": f"{{{comma(pairs)}}}"} if pairs else {}

    def import_text(self, node: statements.Copy, reader: str, options: Mapping[str, str]) -> str:
        """Return the statement that COPY … TO a table, or FROM a file, stands for.

        A table that is there takes the file's columns by name; otherwise the file makes it.
        """
        if not isinstance(node.source, str) or not isinstance(node.target, exp.Table):
            raise UsageError("COPY into a table takes a path", hint="COPY 'file.csv' TO t")
        listed = "".join(f", {k} = {v}" for k, v in options.items())
        source = f"SELECT * FROM {reader}({literal(node.source)}{listed})"  # noqa: S608 - parsed again
        schema, name = self.binder.qualify(node.target)
        table = f"{ident(schema)}.{ident(name)}"
        if self.binder.existing(schema, name) is not None:
            columns = f"({comma(ident(c) for c in node.columns)})" if node.columns else "BY NAME"
            return f"INSERT INTO {table} {columns} {source}"
        return f"CREATE TABLE {table} AS {source}"

    def _write(self, statement: statements.Write) -> nodes.RowWrite:
        ast = statement.ast
        for name, value in ast.args.items():
            if value and name not in _KNOWN_CLAUSES:
                raise UnsupportedError(
                    f"{name.replace('_', ' ').upper()} is not offered in {ast.key.upper()}",
                    span=statement.span,
                )
        if isinstance(ast, exp.Insert):
            return self._rows.insert(ast)
        if isinstance(ast, exp.Update):
            return self._rows.update(ast)
        if isinstance(ast, exp.Delete):
            return self._rows.delete(ast)
        return self._rows.merge(ast)


_KNOWN_CLAUSES = frozenset(
    {
        "alternative",
        "by_name",
        "conflict",
        "expression",
        "expressions",
        "from_",
        "on",
        "returning",
        "this",
        "using",
        "whens",
        "where",
        "with_",
        "default",
    }
)
"""The parts of INSERT, UPDATE, DELETE and MERGE that planning reads; any other is refused."""

_SAME_OPTION = {"delimiter": "delim", "null": "nullstr", "sep": "delim"}

_BARE = re.compile(r"(?:true|false|-?\d+(?:\.\d+)?|[\[{].*[\]}])\Z", re.IGNORECASE | re.DOTALL)


def _option_sql(value: str) -> str:
    """Return an option's value as a literal: a number, a truth value, a list, else text."""
    return value if _BARE.match(value) else literal(value)
