"""A data lakehouse whose tables cannot reach a reader unless they passed their rules."""
