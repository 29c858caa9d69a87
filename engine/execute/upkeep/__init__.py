"""Upkeep of a table's files: when they are rewritten, laid out anew, and thrown away."""
