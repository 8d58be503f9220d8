"""The one reader of dates: in names, tags, tables and events."""
