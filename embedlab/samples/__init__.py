"""Sample data: what each set holds, where it comes from, and how it is made or fetched."""
