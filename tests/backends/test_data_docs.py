"""What Data Docs show of rows and rules is text, whatever it holds."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from stedi_glue.backends.engines import SailEngine
from stedi_glue.backends.expectations import ExpectationsAuditor
from stedi_glue.model.table import Column, Table, Zone
from tests.rows import NOW

SCRIPT = "</table></p><script>alert(1)</script>"
COMMENT = "<!-- & &lt; gone"
NOTE = "At most <b>five</b> & no <i>more</i> <!--"
WORD = Column("<s>word", "string", "A word.")
SIZE = Column("size", "int", "How big.")
TABLE = Table("things", Zone.TRUSTED, "things/trusted", "A thing.", (WORD, SIZE))


class Page(HTMLParser):
    """A page as a browser takes it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.comments: list[str] = []
        self.shown = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        self.shown += data


def rule(kind: str, notes: str = NOTE, **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "severity": "warning", "notes": notes}


def test_no_text_of_rows_or_rules_is_taken_for_markup(sail: SailEngine, tmp_path: Path) -> None:
    about: dict[str, Any] = {"column": WORD.name}
    rules = [
        rule("expect_column_values_to_be_in_set", **about, value_set=["a", "<u>b"]),
        rule("expect_column_values_to_not_match_regex", **about, regex="(?P<q>script)|<em>"),
        rule("expect_column_distinct_values_to_be_in_set", **about, value_set=["<u>b"]),
        rule("expect_column_most_common_value_to_be_in_set", **about, value_set=["<u>b"]),
        rule("expect_table_columns_to_match_set", column_set=[WORD.name]),
        rule("expect_column_values_to_be_unique", "", column=SIZE.name),
        rule("unexpected_rows_expectation", unexpected_rows_query="SELECT * FROM {batch} -- <q>"),
    ]
    meta = {"notes": {"format": "markdown", "content": [f"Ours, {SCRIPT}"]}, "<q>": "<q>"}
    suite = {"name": "things", "expectations": rules, "meta": meta}
    (tmp_path / "things.json").write_text(json.dumps(suite), encoding="utf-8")
    judged = ExpectationsAuditor(tmp_path, docs=str(tmp_path / "lake"))
    rows = [(SCRIPT, 1), (SCRIPT, 1), (COMMENT, 2), ("a", 3)]
    judged.audit(TABLE, sail.session.createDataFrame(rows, TABLE.schema()), {}, NOW)
    judged.document("20240301T120000-00000000", NOW)

    texts = {file: file.read_text("utf-8") for file in tmp_path.glob("lake/docs/**/*.html")}
    pages = {file.relative_to(tmp_path).parts[3]: Page(text) for file, text in texts.items()}
    assert pages.keys() == {"index.html", "expectations", "validations"}
    for page in pages.values():
        # The library's own signs are empty `i`, our name on top is `b`.
        assert not page.tags & {"script", "u", "em", "s", "q"}
        assert page.comments == []
    for text in texts.values():
        assert "<b>five" not in text
    result = pages["validations"].shown
    for said in (SCRIPT, COMMENT, NOTE, WORD.name):
        assert said in result
    assert NOTE in pages["expectations"].shown
    # Nothing is escaped twice.
    assert all("&amp;lt;b" not in text and "&amp;amp;" not in text for text in texts.values())


def test_a_run_files_its_own_results_alone(sail: SailEngine, tmp_path: Path) -> None:
    suite = {"name": "things", "expectations": [rule("expect_column_to_exist", column=SIZE.name)]}
    (tmp_path / "things.json").write_text(json.dumps(suite), encoding="utf-8")
    judged = ExpectationsAuditor(tmp_path, docs=str(tmp_path / "lake"))
    rows = sail.session.createDataFrame([("a", 1)], TABLE.schema())
    # The first run ends before it has documented anything.
    for _ in ("aborted", "next"):
        judged.prepare()
        judged.audit(TABLE, rows, {}, NOW)
    judged.document("20240301T120000-00000000", NOW)
    filed = [file.stem for file in tmp_path.glob("lake/audits/validations/**/*.json")]
    assert filed == [TABLE.name]
