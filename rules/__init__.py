"""A Great Expectations suite per table, in its own JSON format; stewards edit the files."""
