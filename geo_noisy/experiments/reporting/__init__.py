"""What rows of results look like: the report, its first page, the figures."""
