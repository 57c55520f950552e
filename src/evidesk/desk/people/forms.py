"""Input from people about themselves."""

from django import forms


class TokenForm(forms.Form):
    """A name by which the owner knows the token again."""

    name = forms.CharField(
        max_length=80,
        label="What is it for?",
        widget=forms.TextInput(attrs={"placeholder": "for instance: login node"}),
    )
