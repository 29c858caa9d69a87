"""Scripts as a user would type them, with what the engine answered."""
