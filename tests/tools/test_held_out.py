"""Images that thresholds are set on."""

from tools.held_out import MOST, drawn_evenly, kind_of


def rows(folder: str, source: str, count: int) -> list[dict[str, str]]:
    return [{"path": f"{folder}/{source}-{n}.png", "source": source} for n in range(count)]


def test_a_large_source_gives_no_more_than_a_small_one_wherever_it_lies() -> None:
    many = [*rows("a", "large", 3 * MOST), *rows("a", "small", 5)]
    drawn = drawn_evenly(many)
    assert [row["source"] for row in drawn].count("large") == MOST
    assert [row for row in drawn if row["source"] == "small"] == rows("a", "small", 5)
    assert drawn == [row for row in many if row in drawn]  # in the order given
    elsewhere = drawn_evenly([{**row, "path": "b" + row["path"][1:]} for row in reversed(many)])
    assert {row["path"][1:] for row in elsewhere} == {row["path"][1:] for row in drawn}


def test_a_kind_is_the_first_word_or_two_where_it_is_hard() -> None:
    assert kind_of({"generator": "event-some-repo"}) == "event"
    assert kind_of({"generator": "hard-painting-some"}) == "hard-painting"
