"""The Python door: ``import grizzly; db = grizzly.connect("shop")``."""
