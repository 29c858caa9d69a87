"""Every error the engine raises: the rest of the tree whose root is ``grammar.errors``.

Layer: bottom of ``engine``. Invariant: each class is named by what the caller must do about it.

    GrizzlyError
    ├ LanguageError(span)  ParseError 42601 · BindError 42P01/42703 · TypeMismatchError 42804
    │                      UnsupportedError 0A000
    ├ ExecutionError       22000 · CancelledError 57014 · IntegrityError 23000
    ├ TransactionError     ConflictError 40001, retryable · ReadOnlyError 25006
    ├ StorageError         IoError 58030 (└ DurabilityError) · CorruptError XX001
    │                      VacuumedError 22000 · ArchiveError 58000 · LakeError 08001
    ├ UsageError           22023: a wrong option, path or argument
    └ VerificationError    VF001: a proof is false; never retried, own exit code
"""

from __future__ import annotations

from grammar.errors import GrizzlyError, LanguageError, ParseError, Span

__all__ = [
    "ArchiveError",
    "BindError",
    "CancelledError",
    "ConflictError",
    "CorruptError",
    "DurabilityError",
    "ExecutionError",
    "GrizzlyError",
    "IntegrityError",
    "IoError",
    "LakeError",
    "LanguageError",
    "ParseError",
    "ReadOnlyError",
    "Span",
    "StorageError",
    "TransactionError",
    "TypeMismatchError",
    "UnsupportedError",
    "UsageError",
    "VacuumedError",
    "VerificationError",
]


class BindError(LanguageError):
    """A name means nothing here: an unknown table, column, function, schema or snapshot."""

    code = "SEMANTIC_001"
    sqlstate = "42P01"


class TypeMismatchError(LanguageError):
    """A value cannot have the type that is asked of it."""

    code = "TYPE_001"
    sqlstate = "42804"


class UnsupportedError(LanguageError):
    """Understood, and not offered."""

    code = "SEMANTIC_003"
    sqlstate = "0A000"


class ExecutionError(GrizzlyError):
    """A statement failed on the data it met."""

    code = "RUNTIME_001"
    sqlstate = "22000"


class CancelledError(ExecutionError):
    """The user stopped the statement; nothing of it was kept."""

    code = "RUNTIME_004"
    sqlstate = "57014"


class IntegrityError(ExecutionError):
    """A row breaks a constraint of its table."""

    code = "CONSTRAINT_001"
    sqlstate = "23000"


class TransactionError(GrizzlyError):
    """The transaction cannot go on as it is."""

    code = "CONFLICT_000"
    sqlstate = "40000"


class ConflictError(TransactionError):
    """Another writer changed what this transaction changes; run it again."""

    code = "CONFLICT_001"
    sqlstate = "40001"
    retryable = True


class ReadOnlyError(TransactionError):
    """The lakehouse, archive or point in time cannot be written to."""

    code = "CONFLICT_002"
    sqlstate = "25006"


class StorageError(GrizzlyError):
    """The bytes at rest could not be used."""

    code = "IO_000"
    sqlstate = "58000"


class IoError(StorageError):
    """The operating system refused: no such file, no space, no permission."""

    code = "IO_001"
    sqlstate = "58030"


class DurabilityError(IoError):
    """The system cannot say whether written bytes will last; open the lakehouse again."""

    code = "IO_004"


class CorruptError(StorageError):
    """Bytes at rest are not what was written; the subject names the object."""

    code = "INTEGRITY_001"
    sqlstate = "XX001"


class VacuumedError(StorageError):
    """What is asked for was vacuumed; inside the trash window UNVACUUM brings it back."""

    code = "TIME_005"
    sqlstate = "22000"


class ArchiveError(StorageError):
    """A ``.gobi`` file is damaged, hostile or not an archive."""

    code = "IO_003"


class LakeError(StorageError):
    """There is no lakehouse here, it is of a newer format, or it is locked."""

    code = "IO_002"
    sqlstate = "08001"
    retryable = True


class UsageError(GrizzlyError):
    """A wrong argument, option or path, outside the language."""

    code = "USAGE_001"
    sqlstate = "22023"


class VerificationError(GrizzlyError):
    """A proof is false. Never retried."""

    code = "INTEGRITY_002"
    sqlstate = "VF001"
