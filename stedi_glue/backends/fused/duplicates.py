"""Uniqueness, without sorting the rows.

Most keys are unique, and 64-bit hashes of unique keys hardly ever meet: no hash twice proves
no key twice. Only where a hash occurs twice are the keys themselves compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Enough for the cores of a cluster; 5 million rows take no longer in 32 parts than in 16 or 64, but
# longer in as many as Spark makes by itself on two cores.
_PARTS = 32


def suspected(rows: DataFrame, columns: Sequence[str]) -> DataFrame:
    """Count the rows that share the hash of their key with another: none proves keys unique."""
    keys = [F.col(name) for name in columns]
    if len(keys) > 1:
        # A null leaves the hash as it is: without this, (null, 1) would meet (1, null).
        keys += [key.isNull() for key in keys]
    hashes = rows.select(F.xxhash64(*keys).alias("hash"))
    # By themselves engines group before they part: it takes long and saves nothing, as few meet.
    return repeated(hashes.repartition(_PARTS, "hash"), ["hash"])


def repeated(rows: DataFrame, columns: Sequence[str]) -> DataFrame:
    """Count the rows that share their key with another."""
    return groups(rows, columns).agg(F.coalesce(F.sum("_rows"), F.lit(0)))


def groups(rows: DataFrame, columns: Sequence[str]) -> DataFrame:
    """Return each key that several rows share, and how many do."""
    keys = [F.col(name).alias(f"_key_{place}") for place, name in enumerate(columns)]
    return rows.groupBy(*keys).agg(F.count(F.lit(1)).alias("_rows")).where("_rows > 1")
