"""Targets a checked tree can be printed for.

Layer: ``grammar``. Invariant: lowering decides nothing about tables; the engine resolves them first.
"""
