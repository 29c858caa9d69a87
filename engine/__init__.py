"""The engine: from text to results, over files that cannot lie.

Layer: between ``grizzly_cli`` and ``grammar``; its public door is ``engine.session``.
"""
