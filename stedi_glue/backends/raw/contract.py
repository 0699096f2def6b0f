"""What a landing table's staged copy is made of, and where it is."""

from __future__ import annotations

from dataclasses import replace

from stedi_glue.model.table import Column, Table

FILE = Column("_file", "string", "Raw file the record came from, relative to its landing folder.")
PROBLEM = Column("_problem", "string", "Why the record could not be used; null for a good one.")
RAW = Column("_raw", "string", "The text as it arrived; null for a good one.", personal=True)


def staged_contract(table: Table) -> Table:
    """Return a landing table's contract as it is staged: with provenance and problems."""
    return replace(table, columns=(*table.columns, FILE, PROBLEM, RAW))


def staged_folders(table: Table) -> tuple[str, str]:
    """Return where a lake keeps a landing table's good records, and those that could not be used.

    Of `customer/landing` they are `customer/landing_parsed` and `customer/quarantine`.
    """
    subject = table.location.removesuffix("/landing")
    between = "/" if subject != table.location else "_"
    return f"{table.location}_parsed", f"{subject}{between}quarantine"
