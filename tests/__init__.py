"""Everything that holds the house to its word."""
