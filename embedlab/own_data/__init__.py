"""Your own data: files become items, and are looked at before any model sees them."""
