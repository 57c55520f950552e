"""Input from people about their own data."""

from django import forms
from django.utils.translation import gettext_lazy as _


class EraseForm(forms.Form):
    """A word to type, so that nobody is erased by a slip of the mouse."""

    word = forms.CharField(label=_("Type the word “erase”"), max_length=20)

    def clean_word(self) -> str:
        word = str(self.cleaned_data["word"]).strip().lower()
        if word not in ("erase", _("erase")):
            raise forms.ValidationError(_("Nothing was erased: the word was another one."))
        return word
