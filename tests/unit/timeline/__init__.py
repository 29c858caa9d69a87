"""Tests of engine.timeline."""

from __future__ import annotations
