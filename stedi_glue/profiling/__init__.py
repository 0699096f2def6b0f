"""Getting to know a table: its distributions, and the rules they suggest."""
