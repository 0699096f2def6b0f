"""The vocabulary: tables, transforms and the graph they form."""
