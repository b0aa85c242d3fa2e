"""Sample data sets: what each contains, where it comes from, and how it is computed or fetched."""
