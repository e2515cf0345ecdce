"""Each doubt about interactions is planted once and must be found; a clean table has none."""

import json

import numpy as np
import pytest

import steelyard as sy
from steelyard.acts.checks.feedback import gap
from steelyard.apps.cli import main

DAY = 86_400
START = 1_400_000_000


def clean(users: int = 8, each: int = 6):
    """Users take items of a ring, one a day; rated 1 to 5; the last one is test."""
    return [
        {
            "user": f"u{u}",
            "item": f"i{(u + k) % (users + 3)}",
            "rating": 1 + (u * k) % 5,
            "ts": START + (u * each + k) * DAY,
            "split": "test" if k == each - 1 else "train",
        }
        for u in range(users)
        for k in range(each)
    ]


def look(rows, **options):
    return sy.check(rows, **options)


def codes(found) -> set[str]:
    return {f.code for f in found.findings if f.severity in ("warn", "error")}


def test_a_clean_table_has_no_doubt() -> None:
    found = look(clean())
    assert codes(found) == set()
    assert {f.code for f in found.findings if f.severity == "note"} == {"D101", "D198.every", "D220"}
    assert found.usable
    assert found.facts["users"] == 8
    (counts,) = found.find("D210.ok")
    assert (counts.count, counts.facts["items"], counts.facts["density"]) == (48, 11, 48 / 88)


def changed(**at):
    """clean() with row 7 changed."""
    rows = clean()
    rows[7] = {**rows[7], **at}
    return rows


@pytest.mark.parametrize(
    ("code", "rows", "count"),
    [
        ("D211", [*clean(), {**clean()[0], "user": "new"}], 1),
        ("D212", [*clean(), clean()[4]], 1),
        ("D213", [*clean(), {**clean()[4], "ts": START + 999 * DAY, "split": "train"}], 1),
        ("D214", changed(ts=None), 1),
        ("D215", [{k: v for k, v in r.items() if k != "ts"} for r in clean()], 48),
        ("D216", changed(ts=12), 1),
        ("D216", changed(ts=START * 9), 1),
        ("D217", clean()[::-1], 40),
        ("D218", [*clean(), {**clean()[0], "user": "U0 "}], 1),
        ("D219", [*clean(), {**clean()[0], "item": 17}, {**clean()[1], "item": 17}], 1),
        ("D221", changed(rating=-3), 1),
        ("D222", changed(rating=5000), 1),
        ("D223", [*clean(), {**clean()[0], "split": "test", "ts": START + 999 * DAY}], 1),
        ("D224", changed(ts=START + 900 * DAY), 1),
        ("D225", [*clean(), {**clean()[0], "user": "new", "split": "test"}], 1),
        ("D226", [*clean(), {**clean()[0], "item": "new", "split": "test", "ts": START + 99 * DAY}], 1),
        ("D228", [{**r, "rating": 0} for r in clean()], 48),
        ("D229", [{**r, "item": "one"} for r in clean()], 48),
    ],
)
def test_what_is_planted_is_found(code: str, rows, count: int) -> None:
    assert not look(clean()).find(code)
    (found, *_) = look(rows).find(code)
    assert found.count == count
    for lang in ("en", "zh"):
        assert f"{count:,}" in found.say(lang)


def test_numbers_and_their_floats_are_one_id() -> None:
    rows = [{"user": u, "item": i} for u in ("1", "1.0", "01", "2") for i in "abc"]
    (found,) = look(rows).find("D218")
    assert (found.count, found.facts["what"]) == (1, "user")


def test_many_lonely_users_are_a_warning() -> None:
    rows = clean(users=3)
    assert look([*rows, {**rows[0], "user": "n1"}]).find("D211")[0].severity == "note"
    more = [{**rows[0], "user": f"n{k}"} for k in range(6)]
    assert look([*rows, *more]).find("D211")[0].severity == "warn"


def test_clicks_without_exposure_are_never_called_wrong() -> None:
    rows = [{"user": f"u{n % 4}", "item": f"i{n % 5}", "click": n % 2} for n in range(20)]
    (found,) = look(rows).find("C140")
    assert (found.severity, found.facts["column"]) == ("warn", "click")
    assert look([{**r, "position": 1} for r in rows]).find("C140.ok")
    assert look([{**r, "impression": 1} for r in rows]).find("C140.ok")
    assert not look(clean()).find("C140")


def test_rare_clicks_are_not_absurd() -> None:
    rows = [{"user": f"u{n % 7}", "item": f"i{n % 11}", "click": int(n % 200 == 0), "position": 1} for n in range(400)]
    assert codes(look(rows)) <= {"D212", "D211"}


@pytest.mark.parametrize("share", [0.005, 0.05, 0.3, 0.5])
@pytest.mark.parametrize("scale", [np.arange(1, 6), np.arange(1, 11) / 2])
def test_codes_among_ratings_are_found_however_many_there_are(share: float, scale) -> None:
    rng = np.random.default_rng(0)
    value = rng.choice(scale, 400).astype(float)
    wrong = int(share * len(value))
    value[:wrong] = np.resize([9999.0, 99.0], wrong)
    rows = [{"user": f"u{n % 20}", "item": f"i{n}", "rating": v, "ts": START + n} for n, v in enumerate(value)]
    (found,) = look(rows).find("D222")
    assert (found.count, found.facts["usual"], found.facts["highest"]) == (wrong, 5.0, 9999.0)
    assert found.facts["shown"] == "99, 9999"
    assert set(found.rows) <= set(sy.read(rows).row_key[:wrong])
    for lang in ("en", "zh"):
        assert "99, 9999" in found.say(lang)


def test_long_tails_and_scales_are_no_absurd_values() -> None:
    rng = np.random.default_rng(1)
    usual = [np.arange(1, 6), np.arange(1, 11) / 2, np.arange(0, 101), np.array([1.0])]
    usual += [np.repeat([1.0, 5, 20, 300], [90, 6, 3, 1]), np.repeat([1.0, 50], [95, 5]), np.zeros(0)]
    assert [gap(v[v > 0].astype(float)) for v in usual] == [None] * len(usual)
    for spread, rows in ((1.0, 300), (1.5, 10_000), (2.0, 100_000)):
        plays = [np.ceil(rng.lognormal(1, spread, rows)) for _ in range(200 if rows < 1000 else 20)]
        assert sum(gap(v) is not None for v in plays) == 0
        assert sum(v.max() > 10 * np.quantile(v, 0.99) for v in plays) > 0 or spread == 1.0


def test_a_gap_counts_only_above_most_of_the_values() -> None:
    assert gap(np.repeat([1.0, 2, 3, 70], [10, 10, 10, 29])) == 3
    assert gap(np.repeat([1.0, 2, 3, 70], [10, 10, 10, 31])) is None
    assert gap(np.repeat([1.0, 70], [995, 5])) == 1, "two values, and the large one is rare"
    assert gap(np.array([1.0, 2, 3, 30])) is None, "ten times is not more than ten times"
    assert gap(np.array([1.0, 1, 2, 40, 600])) is None, "what is usual spreads as far"


def test_all_of_it_is_said_at_once_and_by_the_command_line(tmp_path, capsys) -> None:
    rows = [*changed(rating=-3, ts=12), clean()[4]]
    head = ["user", "item", "rating", "ts", "split"]
    lines = [",".join(head), *(",".join(str(r[c]) for c in head) for r in rows)]
    (tmp_path / "log.csv").write_text("\n".join(lines))
    assert main(["check", str(tmp_path / "log.csv"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {"D212", "D216", "D221"} <= {f["code"] for f in said["findings"]}
    assert said["facts"]["task"] == "recommendation"
    assert main(["check", str(tmp_path / "log.csv"), "--lang", "zh"]) == 0
    assert "条交互" in capsys.readouterr().out
    assert main(["check", str(tmp_path / "log.csv"), "--strict"]) == 1
