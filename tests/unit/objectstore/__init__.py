"""Tests of engine.objectstore."""

from __future__ import annotations
