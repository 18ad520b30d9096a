"""Published cells, with the source of every value."""
