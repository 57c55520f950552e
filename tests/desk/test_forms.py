"""How forms of the desk come back when they are refused."""

import re

from django import forms


class TwoFields(forms.Form):
    one = forms.CharField()
    two = forms.CharField(help_text="Two words.")


def focused(html: str) -> list[str]:
    return re.findall(r"<[^>]* autofocus[^>]*>", html)


def test_the_first_wrong_field_takes_the_focus_and_is_told_to_who_listens() -> None:
    html = str(TwoFields({"one": "1"}))
    (field,) = focused(html)
    assert 'name="two"' in field
    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="id_two_helptext id_two_error"' in field
    assert 'id="id_two_error"' in html
    (field,) = focused(str(TwoFields({})))
    assert 'name="one"' in field


def test_what_is_wrong_with_a_form_as_a_whole_takes_the_focus_itself() -> None:
    form = TwoFields({"one": "1"})
    form.add_error(None, "Somebody was faster.")
    (errors,) = focused(str(form))
    assert errors.startswith("<ul")
    assert 'tabindex="-1"' in errors


def test_a_form_that_is_new_or_right_takes_no_focus() -> None:
    assert focused(str(TwoFields())) == []
    assert focused(str(TwoFields({"one": "1", "two": "2"}))) == []
