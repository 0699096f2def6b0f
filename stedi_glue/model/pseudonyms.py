"""Keyed hashes in place of what is personal."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from stedi_glue.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from stedi_glue.model.table import Table

# Guessing must be hopeless: who knows the addresses and the hashes may try keys at leisure.
SHORTEST = 32
_BLOCK = 64


def no_key() -> UsageError:
    """Return what to tell who asks for pseudonyms without a key."""
    return UsageError(
        "Pseudonyms need a key: make one with 'openssl rand -hex 32 > pseudonyms.key', keep it "
        "apart from the lake, and name it with '--key pseudonyms.key'."
    )


class Pseudonyms:
    """HMAC-SHA-256 of values under one secret key, as native expressions.

    key: at least 32 bytes; UsageError for a shorter one. It is shown by nothing.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < SHORTEST:
            raise UsageError(
                f"The key of pseudonyms has {len(key)} bytes and needs at least {SHORTEST}, all "
                "random: make one with 'openssl rand -hex 32'."
            )
        padded = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
        self._inner = bytes(byte ^ 0x36 for byte in padded).hex()
        self._outer = bytes(byte ^ 0x5C for byte in padded).hex()

    def of(self, value: Column) -> Column:
        """Return the pseudonym of a text: 64 lower-case hexadecimal digits; null of null."""
        from pyspark.sql import functions as F

        def keyed(pad: str, message: Column) -> Column:
            return F.sha2(F.concat(F.unhex(F.lit(pad)), message), 256)

        return keyed(self._outer, F.unhex(keyed(self._inner, F.encode(value, "UTF-8"))))

    def beside(self, table: Table, rows: DataFrame) -> DataFrame:
        """Add to a table's rows the pseudonym of each column that has one."""
        from pyspark.sql import functions as F

        made = [
            self.of(F.col(f"`{column.name}`")).alias(column.pseudonym)
            for column in table.columns
            if column.pseudonym
        ]
        return rows.select("*", *made)
