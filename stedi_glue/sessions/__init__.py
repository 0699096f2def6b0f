"""A Glue sessions endpoint on this machine, so that the real kernel runs without an account."""
