"""How a table reaches its readers: write, audit, publish."""
