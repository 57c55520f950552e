"""The stylesheet as text: what a merge can break in it without anybody's seeing it at once."""

import re
from collections import Counter
from pathlib import Path

import evidesk.desk

STYLES = Path(evidesk.desk.__file__).parent / "static" / "evidesk" / "evidesk.css"


def test_every_block_of_the_stylesheet_begins_where_all_rules_are_closed() -> None:
    depth = 0
    for number, line in enumerate(STYLES.read_text().splitlines(), start=1):
        assert not (line.startswith("/*") and depth), f"line {number} is within {depth} rules"
        depth += line.count("{") - line.count("}")
    assert depth == 0


def test_no_block_of_the_stylesheet_is_there_twice() -> None:
    heads = re.findall(r"^/\* (.+) \*/$", STYLES.read_text(), re.MULTILINE)
    assert [head for head, times in Counter(heads).items() if times > 1] == []
