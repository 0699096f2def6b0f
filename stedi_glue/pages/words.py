"""Figures and moments as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(milliseconds: int) -> str:
    """Write epoch milliseconds as `25 Nov 2026, 09:08 UTC`."""
    return f"{_utc(milliseconds):%-d %b %Y, %H:%M} UTC"


def day(milliseconds: int) -> str:
    """Write the day of epoch milliseconds, in UTC: `25 Nov 2026`."""
    return f"{_utc(milliseconds):%-d %b %Y}"


def iso(milliseconds: int) -> str:
    """Write epoch milliseconds for machines, in UTC."""
    return f"{_utc(milliseconds):%Y-%m-%dT%H:%M:%SZ}"


def seconds(number: float) -> str:
    """Write a duration: `0.43 s`, `12.4 s`, `3 min 5 s`."""
    if number < 10:
        return f"{number:.2f} s"
    if number < 60:
        return f"{number:.1f} s"
    return f"{int(number // 60)} min {int(number % 60)} s"


def change(now: int, before: int) -> str:
    """Write by how much a number of rows grew or shrank; empty when it did not."""
    if now == before:
        return ""
    # A true minus sign is as wide as the plus.
    sign = "+" if now > before else "\N{MINUS SIGN}"
    return f"{sign}{abs(now - before):,}"


def plural(number: int, noun: str) -> str:
    """Write a number of things: `1 rule`, `2 rules`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(number: int) -> str:
    """Write bytes: `1.2 MB`."""
    amount = float(number)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def _utc(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
