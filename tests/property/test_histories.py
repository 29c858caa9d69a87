"""Random histories: contents, every earlier version, and the changes between any two are the model's.

Any number of them: GRIZZLY_HISTORIES=20000 GRIZZLY_SEED=0 pytest -m slow tests/property/test_histories.py
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from engine.session import Session, create_lake
from tests.property.histories import INSIDE, OUTSIDE, History, run

SHARED = 25
"""So many histories follow each other in one lakehouse, each on what the last one left behind."""


def _many(folder: Path, seeds: range, steps: int) -> None:
    session: Session | None = None
    for number, seed in enumerate(seeds):
        lake = folder / f"lake{number // SHARED}"
        if number % SHARED == 0:
            if session is not None:
                session.close()
                session = None
                shutil.rmtree(folder / f"lake{number // SHARED - 1}")
            create_lake(lake)
        try:
            session = run(History(lake, random.Random(seed), session), steps)
        except AssertionError as error:
            error.add_note(f"seed {seed}, {steps} steps, the {number % SHARED}th in {lake}")
            raise
    if session is not None:
        session.close()


def test_short_histories(tmp_path: Path) -> None:
    _many(tmp_path, range(26), 6)


@pytest.mark.slow
def test_as_many_histories_as_asked_for(tmp_path: Path) -> None:
    count = int(os.environ.get("GRIZZLY_HISTORIES", "2000"))
    first = int(os.environ.get("GRIZZLY_SEED", "0"))
    _many(tmp_path, range(first, first + count), 20)


class Machine(RuleBasedStateMachine):
    """The same steps, chosen by a searcher that makes a failure as short as it can."""

    folder: Path
    made = 0

    @initialize(seed=st.integers(0, 1 << 20), keyed=st.booleans())
    def begin(self, seed: int, *, keyed: bool) -> None:
        type(self).made += 1
        lake = self.folder / f"machine{self.made // SHARED}"
        if not lake.exists():
            create_lake(lake)
        self.history = History(lake, random.Random(seed))
        self.history.create("t", keyed=keyed)

    @rule(act=st.sampled_from(sorted({*OUTSIDE})))
    def act(self, act: str) -> None:
        getattr(self.history, act)()

    @rule(acts=st.lists(st.sampled_from(sorted({*INSIDE})), min_size=1, max_size=4))
    def together(self, acts: list[str]) -> None:
        self.history.say("BEGIN")
        for act in acts:
            getattr(self.history, act)()
        self.history.say("COMMIT")
        self.history.settle()

    @rule()
    def look(self) -> None:
        self.history.check()

    def teardown(self) -> None:
        if hasattr(self, "history"):
            self.history.sweep().close()


def test_a_search_for_histories_that_break_a_law(tmp_path: Path) -> None:
    machine = type("Search", (Machine,), {"folder": tmp_path})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("GRIZZLY_EXAMPLES", "12")),
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
