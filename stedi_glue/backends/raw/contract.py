"""The columns of a landing table's staged copy."""

from __future__ import annotations

from dataclasses import replace

from stedi_glue.model.table import Column, Table

FILE = Column("_file", "string", "Raw file the record came from, relative to its landing folder.")
PROBLEM = Column("_problem", "string", "Why the record could not be used; null for a good one.")
RAW = Column("_raw", "string", "The text as it arrived; null for a good one.", personal=True)


def staged_contract(table: Table) -> Table:
    """Return a landing table's contract as it is staged: with provenance and problems."""
    return replace(table, columns=(*table.columns, FILE, PROBLEM, RAW))
