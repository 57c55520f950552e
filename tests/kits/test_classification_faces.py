"""The kit ``classification`` on the command line, in the desk's form and as a schema."""

import json

import pytest
from click.testing import CliRunner

from evidesk import cli
from evidesk.desk.runs.forms import KitForm
from evidesk.desk.vouchers.models import Attachment
from evidesk.kits import load

COLUMNS = ["truth", "a", "b", "p", "q"]


def form(**changes):
    data = {"truth": "truth", "prediction": ["a"], "positive": "", "group": "", "level": "0.95"}
    return KitForm(load("classification"), COLUMNS, Attachment.objects.none(), data | changes)


def test_the_form_has_a_list_of_scores_that_may_stay_empty():
    empty = form()
    names = ["truth", "prediction", "score", "positive", "group", "level"]
    assert list(empty.fields) == names
    assert not empty.fields["score"].required
    assert [value for value, _ in empty.fields["score"].choices] == COLUMNS
    assert empty.is_valid(), empty.errors
    assert empty.values == {"truth": "truth", "prediction": ["a"], "score": [], "level": 0.95}


def test_the_form_passes_scores_on_and_says_where_one_is_missing():
    both = form(prediction=["a", "b"], score=["p", "q"], positive="ill")
    assert both.is_valid(), both.errors
    assert both.values["score"] == ["p", "q"]
    assert both.values["positive"] == "ill"
    one = form(prediction=["a", "b"], score=["p"])
    assert not one.is_valid()
    assert "as many score columns as predictions" in str(one.errors)


def test_the_command_line_explains_and_runs(tmp_path):
    text = CliRunner().invoke(cli.main, ["run", "classification", "--help"]).output
    for word in ("--score COLUMN", "--positive VALUE", "--group COLUMN", "--scheduler tcp://"):
        assert word in text
    assert "[default: []]" not in text
    path = tmp_path / "t.csv"
    path.write_text("truth,a,p\n" + "ill,ill,0.9\nwell,ill,0.6\nwell,well,0.1\n" * 20)
    words = ["run", "classification", str(path), "--truth", "truth", "--prediction", "a"]
    out = tmp_path / "evidence"
    done = CliRunner().invoke(cli.main, [*words, "--score", "p", "--positive", "ill",
                                         "--out", str(out)])  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "a is right in 40 of 60 cases" in " ".join(done.output.split())
    assert (out / "report.html").exists()


@pytest.mark.parametrize("name", ["accuracy", "classification"])
def test_the_schema_holds_no_scheduler(name):
    schemas = json.loads(CliRunner().invoke(cli.main, ["kits", "--json"]).output)
    assert "scheduler" not in schemas[name]["properties"]
    assert schemas[name]["additionalProperties"] is False
