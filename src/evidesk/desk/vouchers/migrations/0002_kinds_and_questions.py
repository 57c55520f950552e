"""The two kinds of voucher and the first version of the document's questions."""

from typing import Any

from django.db import migrations

QUESTIONS = [
    {
        "key": "about",
        "prompt": "What is it about?",
        "help": "The scientific question in your own words, and what you hope machine learning can do.",
    },
    {
        "key": "audience",
        "prompt": "Who is it for?",
        "help": "Who will use the result: you, your group, a collaboration, the public?",
    },
    {
        "key": "context",
        "prompt": "What is the context?",
        "help": "What has been tried, what code and computers there are, and is there a deadline?",
    },
    {
        "key": "data",
        "prompt": "What data do you have?",
        "help": "Kind, size, format, labels, where they are, and whether they may be shared.",
    },
]


def add(apps: Any, schema_editor: Any) -> None:
    kind = apps.get_model("vouchers", "Kind")
    kind.objects.create(
        slug="exploration",
        name="Exploration",
        min_days=1,
        max_days=14,
        position=1,
        purpose="find out within two weeks whether and how machine learning helps",
    )
    kind.objects.create(
        slug="implementation",
        name="Implementation",
        min_days=15,
        max_days=184,
        position=2,
        purpose="build it together, in two weeks to six months",
    )
    apps.get_model("vouchers", "Questionnaire").objects.create(version=1, questions=QUESTIONS)


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
