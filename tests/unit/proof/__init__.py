"""Tests of engine.proof."""

from __future__ import annotations
