from __future__ import annotations

from pathlib import Path

from tests.tour.readme import mask, rewrite, steps
from tests.tour.run import Reader

TEXT = """# A paper

```sh
not run
```

```console
$ echo 'one
> two'
stale
$ true
$ echo 'ab12cd34ef' in 12 ms
ab12cd34ee in 9.1 ms
```

```python
>>> n = 6
>>> for i in range(2):
...     print(n * i)
0
7
```
The end.
"""


def test_the_tour_is_read_from_the_paper() -> None:
    found = steps(TEXT)
    assert [step.mark for step in found] == ["console"] * 3 + ["python"] * 2
    assert found[0].source == "echo 'one\ntwo'"
    assert [step.shown for step in found[:3]] == ["stale", "", "ab12cd34ee in 9.1 ms"]
    assert found[4].shown == "0\n7"


def test_what_was_printed_replaces_what_was_shown_only_where_it_truly_differs(
    tmp_path: Path,
) -> None:
    one = Reader(tmp_path)
    taken = [(step, one.take(step)) for step in steps(TEXT)]
    assert all(outcome.ok for _, outcome in taken)
    after = rewrite(TEXT, [(step, outcome.printed) for step, outcome in taken])
    assert after == TEXT.replace("stale", "one\ntwo").replace("0\n7", "0\n6")
    assert rewrite(after, [(s, one.take(s).printed) for s in steps(after)]) == after


def test_a_command_that_fails_says_so(tmp_path: Path) -> None:
    (step,) = steps("```console\n$ echo no >&2; exit 5\n```\n")
    outcome = Reader(tmp_path).take(step)
    assert (outcome.printed, outcome.ok) == ("no", False)


def test_masking_forgets_times_and_digests_and_nothing_else() -> None:
    assert mask("│ 12 │ a3f9c2d1 │  3 ms") == mask("│ 12 │ ffffffff0 │ 417.25 ms")
    assert mask("t,1,266180,why") == mask("t,1,266192,why")
    assert mask("objects/4d/4dc14f5d2bb8: gone") == mask("objects/a1/a1c14f5d2bb8: gone")
    assert mask("12 rows") != mask("13 rows")
    assert mask("version 3") != mask("version 4")
