"""People who are to be forgotten: found by keyed hashes, erased everywhere, never let in again."""
