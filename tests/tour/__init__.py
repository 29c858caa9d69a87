"""The README's tour, run as a newcomer would run it."""
