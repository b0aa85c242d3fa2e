"""Read folders, CSV, JSON lines and parquet into tables, and report what could not be read."""
