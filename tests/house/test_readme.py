"""What the README shows is what happens."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.tour.readme import mask, steps
from tests.tour.run import DATA, README, Reader


@pytest.mark.skipif(
    not (DATA / "flights.csv").exists(), reason="the flights are not here: make demo"
)
def test_every_command_in_the_readme_prints_what_the_readme_says() -> None:
    tour = steps(README.read_text(encoding="utf-8"))
    assert len(tour) >= 20
    with tempfile.TemporaryDirectory(prefix="grizzly-tour-") as folder:
        reader = Reader(Path(folder))
        reader.settle(DATA)
        for step in tour:
            outcome = reader.take(step)
            assert outcome.ok, f"{step.typed}\n{outcome.printed}"
            assert mask(outcome.printed) == mask(step.shown), step.typed
