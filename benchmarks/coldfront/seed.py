"""Run by ColdFront's own Python: `python seed.py SIZE` fills its database to SIZE projects.

Each project has an investigator, a description of the length of a voucher's document, and one
allocation. Prints, as JSON, a session's key of somebody who may see them all, and for each page its
address and queries.
"""

import json
import os
import sys

import django

TITLES = ("Three networks, one test set", "Is there a resonance", "Onsets of small earthquakes")
DESCRIPTION = (
    "We trained a network on images of a detector and want to know how far to trust it. " * 25
)


def main(size: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coldfront.config.settings")
    django.setup()
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    grow(size)
    person, _ = User.objects.get_or_create(
        username="office", defaults={"is_superuser": True, "is_staff": True}
    )
    client = Client(SERVER_NAME="localhost")
    client.force_login(person)
    pages = {
        "list, 25 rows": "/project/?show_all_projects=on",
        "list, last page": f"/project/?show_all_projects=on&page={-(-size // 25)}",
        "list, searched": "/project/?show_all_projects=on&title=network",
        "detail": "/project/10/",
    }
    told = {}
    for page, address in pages.items():
        assert client.get(address).status_code == 200, address
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        told[page] = (address, len(captured))
    print(json.dumps({"session": client.cookies["sessionid"].value, "pages": told}))


def grow(size: int) -> None:
    from coldfront.core.allocation.models import Allocation, AllocationStatusChoice
    from coldfront.core.field_of_science.models import FieldOfScience
    from coldfront.core.project.models import (
        Project,
        ProjectStatusChoice,
        ProjectUser,
        ProjectUserRoleChoice,
        ProjectUserStatusChoice,
    )
    from coldfront.core.resource.models import Resource, ResourceType
    from django.contrib.auth.models import User

    resource, _ = Resource.objects.get_or_create(
        name="Cluster", resource_type=ResourceType.objects.first(), description="A cluster"
    )
    for number in range(40):
        User.objects.get_or_create(
            username=f"pi{number}", defaults={"first_name": "Ada", "last_name": f"Number {number}"}
        )
    people = list(User.objects.filter(username__startswith="pi"))
    before = Project.objects.count()
    projects = Project.objects.bulk_create(
        Project(
            title=f"{TITLES[number % len(TITLES)]} {number}",
            pi=people[number % len(people)],
            description=DESCRIPTION,
            field_of_science=FieldOfScience.objects.first(),
            status=ProjectStatusChoice.objects.get(name="Active"),
        )
        for number in range(before, size)
    )
    ProjectUser.objects.bulk_create(
        ProjectUser(
            user=project.pi,
            project=project,
            role=ProjectUserRoleChoice.objects.get(name="Manager"),
            status=ProjectUserStatusChoice.objects.get(name="Active"),
        )
        for project in projects
    )
    allocations = Allocation.objects.bulk_create(
        Allocation(
            project=project,
            status=AllocationStatusChoice.objects.get(name="Active"),
            justification="Training",
        )
        for project in projects
    )
    Allocation.resources.through.objects.bulk_create(
        Allocation.resources.through(allocation=allocation, resource=resource)
        for allocation in allocations
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
