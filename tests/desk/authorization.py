"""Who may do what at every address of the desk: the table that `test_authorization.py` asks for.

Each line names an address, and for each method it serves who may use it. A line says nothing of
who is not signed in, has not agreed yet or is shut out: for those the same holds everywhere.
Methods that a line does not name are answered 405. The office is the desk's administration.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from evidesk.desk.lists.many import STEPS_FOR_MANY
from evidesk.desk.office.report import pdf_is_possible
from evidesk.desk.people.catalogue import version_of
from evidesk.desk.people.rules import PRIVACY_VERSION
from tests.desk.authorization_scene import PLACES, STARTS_ON, TABLE, Case, Scene


class Rule:
    """A condition on a case; rules are joined by `|`, `&` and `~`."""

    def __init__(self, holds: Callable[[Case], bool]) -> None:
        self.holds = holds

    def __call__(self, case: Case) -> bool:
        return self.holds(case)

    def __or__(self, other: "Rule") -> "Rule":
        return Rule(lambda case: self(case) or other(case))

    def __and__(self, other: "Rule") -> "Rule":
        return Rule(lambda case: self(case) and other(case))

    def __invert__(self) -> "Rule":
        return Rule(lambda case: not self(case))


def who(*names: str) -> Rule:
    return Rule(lambda case: case.who in names)


def role(*roles: str, unit: str = "") -> Rule:
    return Rule(
        lambda case: any(
            one in roles and unit in ("", place) for place, one in PLACES[case.who] or ()
        )
    )


def state(*states: str) -> Rule:
    return Rule(lambda case: case.state in states)


def visibility(*chosen: str) -> Rule:
    return Rule(lambda case: case.visibility in chosen)


anybody = Rule(lambda _: True)
member = role("consultant", "lead", "office")
office = role("office")
steering = role("lead", "office")
# What somebody is for the voucher, which is the spoke's and was handed over by another one.
author = who("author")
consultant = who("consultant") & state("active", "reported", "closed")
offered = who("consultant") & state("offered")
triage = office | role("lead", unit="spoke")
team = triage | consultant
part = author | offered | team
submitted = ~state("draft")
sees = (
    author
    | offered
    | consultant
    | submitted
    & (
        office
        | role("consultant", "lead", unit="spoke")
        | role("consultant", "lead", unit="past")  # it was theirs
        | member & ~visibility("private")
    )
)
#: The title of a voucher with a public summary is everybody's.
public = submitted & visibility("public-summary")
under_way = state("submitted", "offered", "active", "reported")
#: A run is under way, so that there can be no report.
running = state("active") & visibility("private")
#: The run was cut off, and can be gone on with.
cut_off = state("active") & ~visibility("private")
has_file, has_evidence = submitted, state("active", "reported", "closed")
watching = (author | consultant) & has_evidence

Data = Mapping[str, Any] | Callable[[Scene], Mapping[str, Any]]
Status = int | Callable[[Case], int]


@dataclass(frozen=True)
class Serves:
    """What a method does: for whom `sees` fails there is nothing (404); whom `may` fails is
    answered `refused`; all others `ok`.

    `writes` says whether it changes something: yes, no, or perhaps (None).
    `shows` says to whom it shows the voucher's title, where that is asked.
    """

    ok: int = 200
    may: Rule = anybody
    refused: Status = 403
    sees: Rule = anybody
    data: Data = field(default_factory=dict)
    query: Data = field(default_factory=dict)
    writes: bool | None = None
    shows: Rule | None = None
    signed_in: bool = True
    in_desk_that_mails: bool = False

    def status(self, case: Case) -> int:
        """The answer to somebody who is signed in, or needs not be."""
        if not self.sees(case):
            return 404
        if self.may(case):
            return self.ok
        return self.refused(case) if callable(self.refused) else self.refused

    def allows(self, case: Case) -> bool:
        return self.sees(case) and self.may(case)


def reads(may: Rule = anybody, **more: Any) -> Serves:
    return Serves(may=may, **{"writes": False, **more})


def does(may: Rule = anybody, ok: int = 302, data: Data | None = None, **more: Any) -> Serves:
    return Serves(may=may, ok=ok, data=data or {}, **{"writes": True, **more})


@dataclass(frozen=True)
class Line:
    """An address: a page's name, or the path of an operation of the API; `args` names the thing."""

    name: str
    serves: Mapping[str, Serves]
    args: Callable[[Scene], list[Any]] = lambda _: []

    @property
    def is_about_the_voucher(self) -> bool:
        """Whether the answer depends on the voucher's state and visibility."""
        return self.name in OF_VOUCHER or "{reference}" in self.name


def page(
    name: str, get: Serves | None = None, post: Serves | None = None, args: Any = None
) -> Line:
    served = {"GET": get, "HEAD": get, "POST": post}
    serves = {method: one for method, one in served.items() if one is not None}
    return Line(name, serves, args or (lambda _: []))


def _of(*names: str) -> Callable[[Scene], list[Any]]:
    return lambda scene: [getattr(scene, name) for name in names]


def _fixed(*args: Any) -> Callable[[Scene], list[Any]]:
    return lambda _: list(args)


_reference = _of("reference")
_file = _of("reference", "file_id")
#: Names of pages whose answer depends on the voucher's state and visibility.
OF_VOUCHER = {
    *("voucher", "edit-voucher", "write", "attach", "attachment", "tags", "visibility", "effort"),
    *("follow-up", "similar", "offer", "step", "report", "choose-kit", "start-run"),
    *("run", "run-status", "cancel-run", "go-on-run", "evidence", "figure", "download-evidence"),
    *("vouchers", "export-vouchers", "summaries", "inbox", "proposals", "home", "calendar"),
    *("watches", "begin-watch", "watch", "watch-status", "add-batch", "watch-path"),
    *("stop-watch", "resume-watch", "watches/{int:watch_id}/", "watches/{int:watch_id}/batches/"),
    *("watches/{int:watch_id}/stop/", "watches/{int:watch_id}/resume/"),
    *("export-data", "office-rows", "many", "notices", "notices/"),
    *("runs/{int:run_id}/", "runs/{int:run_id}/cancel/", "runs/{int:run_id}/go-on/"),
    "evidence/{int:evidence_id}/",
    *("evidence/{int:evidence_id}/download/", "vouchers/", "me/export/"),
    *("vouchers/export.csv", "vouchers/export.xlsx", "summaries/", "inbox/", "inbox/proposals/"),
    *(f"vouchers/many/{action}/" for action in STEPS_FOR_MANY),
}
_WORDS = {"text": "Because."}
_HOOK = {"url": "https://example.org/", "events": ["voucher.close"]}
_WAYS = {
    **dict.fromkeys(("turn", "progress", "message", "work", "inquiry"), "never"),
    "waiting": "daily",
}
_KIT = {"truth": "truth", "prediction": ["model"]}


def _draft(scene: Scene) -> dict[str, Any]:
    return {
        "revision": scene.voucher.revision,
        "title": "Another title",
        "kind": scene.voucher.kind_id,
        "unit": scene.voucher.unit_id,
        "visibility": scene.visibility,
        "summary": "Birds in short.",
        **{f"answer_{one['key']}": "Yes." for one in scene.voucher.answered()},
    }


def _submit(scene: Scene) -> dict[str, Any]:
    return {**_draft(scene), "submit": "1", "agrees": "on"}


def _upload(name: str, content: bytes = TABLE) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


#: Every step of the workflow: who may take it, and with what. Pages and API ask for the same.
STEPS: dict[str, tuple[Rule, Callable[[Scene], dict[str, Any]]]] = {
    "return": (triage & state("submitted"), lambda _: _WORDS),
    "decline": (triage & state("submitted"), lambda _: _WORDS),
    "hand-over": (triage & state("submitted"), lambda s: {"unit": s.hub.pk, **_WORDS}),
    "offer": (triage & state("submitted"), lambda s: {"consultant": s.people["consultant"].pk}),
    "take-back": (triage & state("offered"), lambda _: {}),
    "turn-down": (offered, lambda _: _WORDS),
    "accept": (offered, lambda _: {"starts_on": STARTS_ON, "days": 10, "agrees": True}),
    "plan": (consultant & state("active"), lambda _: {"starts_on": STARTS_ON, "days": 9}),
    "extend": (consultant & state("active"), lambda _: {"days": 12, **_WORDS}),
    "report": (consultant & state("active") & ~running, lambda _: {"text": "It works."}),
    "close": (author & state("reported"), lambda _: {"rating": 5}),
    "close-without-feedback": (triage & state("reported"), lambda _: {}),
    "withdraw": (
        author & state("draft", "submitted", "offered", "active"),
        lambda _: {},
    ),
}


def _step(action: str) -> Line:
    may, data = STEPS[action]
    get, post = reads(may, sees=sees, refused=302), does(may, sees=sees, refused=302, data=data)
    if action == "offer":
        return page("offer", get, post, _reference)
    return page("step", get, post, lambda scene: [scene.reference, action])


def _api_step(action: str) -> tuple[str, Line]:
    may, data = STEPS[action]

    def body(scene: Scene) -> dict[str, Any]:
        given = {**data(scene)}
        if action == "hand-over":
            given["unit"] = scene.hub.slug
        return given

    path = f"vouchers/{{reference}}/steps/{action}/"
    return path, Line(path, {"POST": does(may, 200, body, sees=sees)}, _reference)


def _no_hours_more(case: Case) -> int:
    return 200 if team(case) and case.state == "closed" else 403


PAGES: list[Line] = [
    # The voucher
    page("voucher", reads(sees=sees, writes=None, shows=sees), args=_reference),
    page(
        "edit-voucher",
        reads(author & state("draft"), sees=sees, refused=302),
        does(author & state("draft"), sees=sees, refused=302, data=_draft),
        _reference,
    ),
    page(
        "edit-voucher",
        post=does(author & state("draft"), sees=sees, refused=302, data=_submit),
        args=_reference,
    ),
    page("write", post=does(part & under_way, data=_WORDS, sees=sees), args=_reference),
    page(
        "attach",
        post=does(
            part & under_way, sees=sees, refused=422, data=lambda _: {"file": _upload("more.csv")}
        ),
        args=_reference,
    ),
    page("attachment", reads(sees=sees & has_file), args=_file),
    page(
        "tags",
        reads(team, sees=sees),
        does(team, sees=sees, data=lambda s: {"tags": [s.tag.pk]}),
        _reference,
    ),
    page(
        "visibility",
        reads(author & submitted, sees=sees),
        does(author & submitted, sees=sees, data=lambda s: {"visibility": s.other_visibility}),
        _reference,
    ),
    page(
        "effort",
        reads(team & has_evidence, sees=sees),
        does(
            team & state("active", "reported"),
            sees=sees,
            refused=_no_hours_more,
            data={"week": STARTS_ON, "hours": "1", "reason": "It has to be."},
        ),
        _reference,
    ),
    page(
        "follow-up", post=does(author & state("reported", "closed"), sees=sees), args=_reference
    ),
    page("similar", reads(author & state("draft"), sees=sees), args=_reference),
    *(_step(action) for action in STEPS if action != "report"),
    page(
        "report",
        reads(consultant & state("active"), sees=sees, refused=302),
        does(
            consultant & state("active") & ~running,
            refused=lambda case: 200 if consultant(case) and case.state == "active" else 302,
            sees=sees,
            data={"text": "It works."},
        ),
        _reference,
    ),
    page("choose-kit", reads(sees=sees & has_file), args=_file),
    page(
        "start-run",
        reads(consultant & state("active"), sees=sees & has_file),
        does(consultant & state("active"), sees=sees & has_file, data=_KIT),
        lambda s: [s.reference, s.file_id, "accuracy"],
    ),
    page("run", reads(sees=sees & has_evidence, shows=sees & has_evidence), args=_of("run_id")),
    page("run-status", reads(sees=sees & has_evidence), args=_of("run_id")),
    page(
        "cancel-run",
        post=does(consultant & running, sees=sees & has_evidence, refused=302),
        args=_of("run_id"),
    ),
    page(
        "go-on-run",
        post=does(consultant & cut_off, sees=sees & has_evidence, refused=302),
        args=_of("run_id"),
    ),
    page("evidence", reads(sees=sees & has_evidence), args=_of("evidence_id")),
    page(
        "figure", reads(sees=sees & has_evidence), args=lambda scene: [scene.evidence_id, "bars"]
    ),
    page("download-evidence", reads(sees=sees & has_evidence), args=_of("evidence_id")),
    page("watches", reads(sees=sees), args=_reference),
    page(
        "begin-watch",
        reads(watching, sees=sees & has_file),
        does(watching, sees=sees & has_file, data={"name": "Eggs"}),
        _file,
    ),
    page("watch", reads(sees=sees & has_evidence), args=_of("watch_id")),
    page("watch-status", reads(sees=sees & has_evidence), args=_of("watch_id")),
    page("watch-path", reads(sees=sees & has_evidence), args=_of("watch_id")),
    page(
        "add-batch",
        post=does(
            watching,
            sees=sees & has_evidence,
            refused=422,
            data=lambda _: {"file": _upload("monday.csv")},
        ),
        args=_of("watch_id"),
    ),
    page(
        "stop-watch",
        post=does(watching, sees=sees & has_evidence, refused=302),
        args=_of("watch_id"),
    ),
    page(
        "resume-watch",
        post=does(watching, sees=sees & has_evidence, refused=302),
        args=_of("stopped_id"),
    ),
    # Lists, counts and exports of vouchers
    page("home", reads(signed_in=False)),
    page("vouchers", reads(query={"state": ""}, shows=sees)),
    page("vouchers", reads(query={"q": "Rohrdommel"}, shows=sees)),
    page("export-vouchers", reads(writes=None, shows=sees), args=_fixed("csv")),
    page("export-vouchers", reads(writes=None, shows=sees), args=_fixed("xlsx")),
    page("summaries", reads(signed_in=False, shows=public)),
    page("inbox", reads(steering, shows=triage & state("submitted", "offered"))),
    page("proposals", reads(steering, shows=triage & state("submitted"))),
    page("statistics", reads(steering)),
    page("office-rows", reads(steering), args=_fixed("closure")),
    page("office-rows", reads(steering, query={"format": "csv"}), args=_fixed("closure")),
    page(
        "many",
        reads(
            steering,
            ok=302,  # nothing is chosen
        ),
        does(
            triage & under_way,
            refused=lambda case: 302 if steering(case) else 403,
            data=lambda s: {"action": "message", "voucher": [s.reference], **_WORDS},
        ),
    ),
    page("many-done", reads(ok=302)),
    page("views", reads(), does(data={"name": "Mine", "query": "state=active"})),
    page(
        "view",
        post=does(
            sees=author, data=lambda s: {f"view-{s.view.pk}-name": "Mine"},
        ),
        args=lambda s: [s.view.pk],
    ),
    page("new-voucher", post=does()),
    page("new-voucher", post=does(author, data=lambda s: {"inquiry": s.inquiry.key})),
    # Inquiries
    page(
        "talk",
        reads(signed_in=False),
        does(
            signed_in=False,
            data={"subject": "Hi", "text": "Hello", "email": "a@example.org"},
        ),
    ),
    page("inquiries", reads()),
    page(
        "inquiry",
        reads(signed_in=False),
        does(steering, signed_in=False, data={"answer": "Yes."}),
        lambda s: [s.inquiry.key],
    ),
    # Oneself
    page("sign-in", reads(signed_in=False)),
    page(
        "sign-in-as",
        post=does(signed_in=False, writes=None, data=lambda s: {"persona": s.persona}),
    ),
    page(
        "set-language",
        post=does(signed_in=False, writes=None, data={"language": "de", "next": "/"}),
    ),
    page("sign-out", post=does(signed_in=False, writes=False)),
    page("signed-out", reads(ok=302, signed_in=False)),
    Line("log-in", {"GET": reads(sees=who(), signed_in=False)}),  # no provider is set
    Line("log-in-done", {"GET": reads(sees=who(), signed_in=False)}),
    page("own-sessions", reads()),
    page(
        "end-session",
        post=does(author, refused=409),
        args=_of("session_id"),
    ),
    page("end-other-sessions", post=does()),
    page(
        "tokens", reads(), does(ok=200, data={"name": "laptop", "scope": "read", "days": "30"})
    ),
    page("revoke-token", post=does(author, refused=302), args=lambda s: [s.token.pk]),
    page("privacy", reads(signed_in=False)),
    page("consent", reads(), does(writes=None, data={"version": PRIVACY_VERSION})),
    page(
        "my-data",
        reads(),
        # Those whom a voucher waits for, and who is the whole office, are not erased.
        does(~(who("author", "consultant") | office), refused=200, data={"word": "erase"}),
    ),
    page("export-data", post=does(ok=200, writes=None)),
    page("hooks", reads(), does(ok=200, data=_HOOK)),
    page("hook", reads(sees=author), args=_of("hook_id")),
    page("ping-hook", post=does(sees=author), args=_of("hook_id")),
    page("switch-hook", post=does(sees=author), args=_of("hook_id")),
    page("remove-hook", post=does(sees=author), args=_of("hook_id")),
    page("notices", reads()),
    page(
        "read-notices",
        post=does(who("author"), refused=302, data=lambda s: {"notice": s.notice.pk}),
    ),
    page("notice-preferences", reads(), does(ok=200, data={"what": "calendar"})),
    page(
        "unsubscribe",
        reads(signed_in=False),
        does(ok=200, signed_in=False),
        _of("unsubscribe"),
    ),
    page("calendar", reads(signed_in=False, writes=None), args=_of("calendar")),
    # The network
    page("network", reads(signed_in=False)),
    page("agreement", reads(signed_in=False), args=_fixed(1)),
    page("kits", reads(signed_in=False)),
    page("health", reads(signed_in=False)),
    page("my-page", reads(member, ok=302)),
    page(
        "member",
        reads(member),
        does(
            triage, refused=lambda case: 200 if member(case) else 403,
            data={"what": "hours", "hours": "8"},
        ),
        lambda s: [s.people["colleague"].uid],
    ),
    page(
        "member",
        post=does(
            who("colleague") | triage, refused=lambda case: 200 if member(case) else 403,
            data={"what": "absence", "first_day": "2026-12-01", "last_day": "2026-12-02"},
        ),
        args=lambda s: [s.people["colleague"].uid],
    ),
    page(
        "member",
        post=does(
            who("colleague") | triage,
            data=lambda s: {"what": "remove-absence", "row": s.absence.pk},
        ),
        args=lambda s: [s.people["colleague"].uid],
    ),
    # The office
    page("office-inquiries", reads(steering)),
    page("report-of-year", reads(steering), args=_fixed(timezone.localdate().year)),
    page(
        "report-of-year-pdf",
        reads(steering if pdf_is_possible() else who()),
        args=_fixed(timezone.localdate().year),
    ),
    page("retention", reads(office)),
    page("catalogues", reads(office)),
    page("catalogue", reads(office), args=_fixed("units")),
    page(
        "add-row",
        reads(office),
        does(office, data={"name": "Vogelwarte"}),
        _fixed("hosts"),
    ),
    page(
        "edit-row",
        reads(office),
        does(office, data=lambda s: {"name": "Vogelwarte", "seen": s.tag_seen}),
        lambda s: ["tags", s.tag.pk],
    ),
    page("retire-row", post=does(office), args=lambda s: ["tags", s.tag.pk]),
    page("questions", reads(office), does(office, data=lambda s: s.new_questions)),
    page(
        "edit-agreement", reads(office), does(office, data={"text": "We agree.", "based_on": 1})
    ),
    page(
        "groups",
        reads(office),
        does(
            office,
            data=lambda s: {"group": "HIFIS:Desk", "role": "lead", "unit": s.hub.pk},
        ),
    ),
    page("remove-group", post=does(office), args=lambda s: [s.group.pk]),
    page("outbox", reads(office)),
    page("mail", reads(office), args=lambda s: [s.mail.pk]),
    page(
        "retry-mail",
        post=does(office, in_desk_that_mails=True),
        args=lambda s: [s.mail.pk],
    ),
    page("cancel-mail", post=does(office), args=lambda s: [s.mail.pk]),
    page("replies", reads(office)),
    page("dismiss-reply", post=does(office), args=lambda s: [s.reply.pk]),
]  # fmt: skip


def api(path: str, args: Callable[[Scene], list[Any]] | None = None, **methods: Serves) -> Line:
    return Line(path, {name.upper(): one for name, one in methods.items()}, args or (lambda _: []))


def _api_many(action: str) -> Line:
    """Whoever steers is told of each voucher that they may see, whether it was done."""
    may, data = (part & under_way, lambda _: _WORDS) if action == "message" else STEPS[action]

    def body(scene: Scene) -> dict[str, Any]:
        given = {**data(scene), "vouchers": [scene.reference]}
        return {**given, "unit": scene.hub.slug} if action == "hand-over" else given

    def not_done(case: Case) -> int:
        if not steering(case):
            return 403
        return 200 if sees(case) else 422

    return api(
        f"vouchers/many/{action}/",
        get=reads(steering & sees, refused=not_done, query=lambda s: {"voucher": [s.reference]}),
        post=does(steering & may, 200, body, refused=not_done),
    )


_of_colleague = who("colleague") | triage


def _colleague(scene: Scene) -> list[Any]:
    return [scene.people["colleague"].uid]


#: A new row of each catalogue.
ROWS: dict[str, dict[str, Any]] = {
    "units": {
        "name": "Birds", "slug": "birds", "host": "HUB", "city": "Here", "focus": "All",
        "respond_days": 1, "decide_days": 2, "offer_days": 3,
    },
    "hosts": {"name": "Vogelwarte"},
    "fields": {"name": "Birds"},
    "kinds": {
        "name": "Short", "slug": "short", "purpose": "To look.", "min_days": 1, "max_days": 3,
        "hours": 8, "position": 9,
    },
    "skills": {"name": "Birdsong"},
    "tags": {"name": "owls"},
}  # fmt: skip


def _row(what: str) -> Callable[[Scene], list[Any]]:
    return lambda scene: [scene.rows[what].pk]


def _api_rows(what: str) -> list[Line]:
    """The operations of a catalogue. A row that is in use is no row to be restored."""

    def change(scene: Scene) -> dict[str, Any]:
        return {"name": "Vogelwarte", "seen": version_of(scene.rows[what])}

    at, row = f"rows/{what}/{{int:pk}}/", _row(what)
    return [
        api(f"rows/{what}/", get=reads(office), post=does(office, 201, ROWS[what])),
        api(at, row, get=reads(office), patch=does(office, 200, change)),
        api(f"{at}retire/", row, post=does(office, 200)),
        api(f"{at}restore/", lambda s: [s.retired_rows[what].pk], post=does(office, 200)),
    ]


API: list[Line] = [
    api("me/", get=reads()),
    api("me/export/", get=reads(writes=None)),
    api("units/", get=reads()),
    api("kits/", get=reads(signed_in=False)),
    api(
        "inquiries/",
        get=reads(),
        post=does(ok=201, data={"subject": "Hi", "text": "Hello", "email": "a@example.org"}),
    ),
    api("inquiries/{key}/", lambda s: [s.inquiry.key], get=reads()),
    api(
        "inquiries/{key}/answer/",
        lambda s: [s.inquiry.key],
        post=does(steering, 200, {"answer": "Yes."}),
    ),
    api("vouchers/", get=reads(shows=sees), post=does(ok=201)),
    api("vouchers/", get=reads(query={"q": "Rohrdommel"}, shows=sees)),
    api("vouchers/", post=does(author, 201, lambda s: {"inquiry": s.inquiry.key})),
    api("vouchers/{reference}/", _reference, get=reads(sees=sees, shows=sees)),
    api(
        "vouchers/{reference}/document/",
        _reference,
        get=reads(sees=sees, shows=sees),
        patch=does(
            author & state("draft"),
            200,
            lambda s: {"revision": s.voucher.revision, "title": "Another title"},
            sees=sees,
        ),
    ),
    api("vouchers/{reference}/timeline/", _reference, get=reads(sees=sees)),
    api(
        "vouchers/{reference}/messages/",
        _reference,
        post=does(part & under_way, 201, _WORDS, sees=sees),
    ),
    api(
        "vouchers/{reference}/files/",
        _reference,
        get=reads(sees=sees),
        post=does(part & under_way, 201, lambda _: {"file": _upload("more.csv")}, sees=sees),
    ),
    api("vouchers/{reference}/files/{int:file_id}/", _file, get=reads(sees=sees & has_file)),
    *(line for _, line in map(_api_step, STEPS)),
    api(
        "vouchers/{reference}/steps/submit/",
        _reference,
        post=does(author & state("draft"), 200, {"agrees": True}, sees=sees),
    ),
    api(
        "vouchers/{reference}/runs/",
        _reference,
        get=reads(sees=sees),
        post=does(
            consultant & state("active"),
            201,
            lambda s: {"kit": "accuracy", "file": s.file_id or 1, "parameters": _KIT},
            sees=sees,
        ),
    ),
    api("runs/{int:run_id}/", _of("run_id"), get=reads(sees=sees & has_evidence)),
    api(
        "runs/{int:run_id}/cancel/",
        _of("run_id"),
        post=does(consultant & running, 200, sees=sees & has_evidence),
    ),
    api(
        "runs/{int:run_id}/go-on/",
        _of("run_id"),
        post=does(consultant & cut_off, 201, sees=sees & has_evidence),
    ),
    api(
        "vouchers/{reference}/evidence/",
        _reference,
        get=reads(sees=sees),
        post=does(
            consultant & state("active"),
            201,
            lambda s: {"crate": _upload("crate.zip", s.crate)},
            sees=sees,
        ),
    ),
    api("evidence/{int:evidence_id}/", _of("evidence_id"), get=reads(sees=sees & has_evidence)),
    api(
        "evidence/{int:evidence_id}/download/",
        _of("evidence_id"),
        get=reads(sees=sees & has_evidence),
    ),
    api(
        "vouchers/{reference}/watches/",
        _reference,
        get=reads(sees=sees),
        post=does(watching, 201, lambda s: {"name": "Eggs", "file": s.file_id or 1}, sees=sees),
    ),
    api("watches/{int:watch_id}/", _of("watch_id"), get=reads(sees=sees & has_evidence)),
    api(
        "watches/{int:watch_id}/batches/",
        _of("watch_id"),
        get=reads(sees=sees & has_evidence),
        post=does(
            watching,
            201,
            lambda _: {"file": _upload("monday.csv")},
            sees=sees & has_evidence,
        ),
    ),
    api(
        "watches/{int:watch_id}/stop/",
        _of("watch_id"),
        post=does(watching, 200, sees=sees & has_evidence),
    ),
    api(
        "watches/{int:watch_id}/resume/",
        _of("stopped_id"),
        post=does(watching, 200, sees=sees & has_evidence),
    ),
    # Beside a voucher's document and conversation
    api(
        "vouchers/{reference}/tags/",
        _reference,
        get=reads(team, sees=sees),
        put=does(team, 200, lambda s: {"tags": [s.tag.name]}, sees=sees),
    ),
    api(
        "vouchers/{reference}/visibility/",
        _reference,
        put=does(author & submitted, 200, lambda s: {"visibility": s.other_visibility}, sees=sees),
    ),
    api(
        "vouchers/{reference}/effort/",
        _reference,
        get=reads(team & has_evidence, sees=sees),
        post=does(
            team & state("active", "reported"),
            200,
            {"week": STARTS_ON.isoformat(), "hours": 1, "reason": "It has to be."},
            sees=sees,
        ),
    ),
    api(
        "vouchers/{reference}/follow-up/",
        _reference,
        post=does(author & state("reported", "closed"), 201, sees=sees),
    ),
    # Triage
    api(
        "vouchers/{reference}/candidates/",
        _reference,
        get=reads(triage & state("submitted"), sees=sees),
    ),
    api(
        "vouchers/{reference}/similar/",
        _reference,
        get=reads(author & state("draft") | triage & state("submitted"), sees=sees),
    ),
    api("inbox/", get=reads(steering, shows=triage & state("submitted", "offered"))),
    api("inbox/proposals/", get=reads(steering, shows=triage & state("submitted"))),
    api("summaries/", get=reads(signed_in=False, shows=public)),
    # Kept views, steps for many, exports
    api("views/", get=reads(), post=does(ok=201, data={"name": "Mine", "query": "state=active"})),
    api(
        "views/{int:view_id}/",
        lambda s: [s.view.pk],
        put=does(ok=200, sees=author, data={"name": "Mine"}),
        delete=does(ok=204, sees=author),
    ),
    *map(_api_many, STEPS_FOR_MANY),
    api("vouchers/export.csv", get=reads(writes=None, shows=sees)),
    api("vouchers/export.xlsx", get=reads(writes=None, shows=sees)),
    api("hooks/", get=reads()),
    api("hooks/{int:hook_id}/deliveries/", _of("hook_id"), get=reads(sees=author)),
    api("hooks/{int:hook_id}/", _of("hook_id"), delete=does(ok=204, sees=author)),
    api("hooks/{int:hook_id}/ping/", _of("hook_id"), post=does(ok=201, sees=author)),
    api(
        "hooks/{int:hook_id}/switch/",
        _of("hook_id"),
        post=does(ok=200, sees=author, data={"on": False}),
    ),
    # Oneself
    api("me/sessions/", get=reads(), delete=does(ok=200)),
    api("me/sessions/{public_id}/", _of("session_id"), delete=does(ok=204, sees=author)),
    api("me/tokens/", get=reads()),
    api("me/tokens/{int:token_id}/", lambda s: [s.token.pk], delete=does(ok=204, sees=author)),
    api("me/language/", put=does(ok=200, data={"language": "de"})),
    api("notices/", get=reads()),
    api(
        "notices/read/",
        # Others have none of this name, so that nothing is marked.
        post=does(author, 200, lambda s: {"ids": [s.notice.pk]}, refused=200),
    ),
    api("me/mail/", get=reads(), put=does(ok=200, data=_WAYS)),
    api("me/calendar/", delete=does(author, 204, refused=204)),  # others have none
    # The office's mail
    api("mail/", get=reads(office)),
    api("mail/{int:mail_id}/", lambda s: [s.mail.pk], get=reads(office)),
    api(
        "mail/{int:mail_id}/retry/",
        lambda s: [s.mail.pk],
        post=does(office, 200, in_desk_that_mails=True),
    ),
    api("mail/{int:mail_id}/cancel/", lambda s: [s.mail.pk], post=does(office, 200)),
    api("mail/replies/", get=reads(office)),
    api("mail/replies/{int:reply_id}/dismiss/", lambda s: [s.reply.pk], post=does(office, 204)),
    # The network
    api("members/", get=reads(member)),
    api("members/{uuid:uid}/", _colleague, get=reads(member)),
    api("members/{uuid:uid}/hours/", _colleague, put=does(triage, 200, {"hours": "8"})),
    api(
        "members/{uuid:uid}/skills/",
        _colleague,
        put=does(_of_colleague, 200, {"skills": []}, writes=None),
    ),
    api(
        "members/{uuid:uid}/absences/",
        _colleague,
        post=does(_of_colleague, 201, {"first_day": "2026-12-01", "last_day": "2026-12-02"}),
    ),
    api(
        "members/{uuid:uid}/absences/{int:absence_id}/",
        lambda s: [*_colleague(s), s.absence.pk],
        delete=does(_of_colleague, 204),
    ),
    api(
        "members/{uuid:uid}/conflicts/",
        _colleague,
        post=does(_of_colleague, 201, lambda s: {"scientist": s.people["author"].email}),
    ),
    api(
        "members/{uuid:uid}/conflicts/{int:conflict_id}/",
        lambda s: [*_colleague(s), s.conflict.pk],
        delete=does(_of_colleague, 204),
    ),
    *(line for what in ROWS for line in _api_rows(what)),
    api(
        "rows/units/{int:pk}/make-hub/",
        _row("units"),
        post=does(office, 200),
    ),
    api(
        "questions/",
        get=reads(office),
        post=does(office, 201, {"based_on": 1, "questions": [{"prompt": "Which birds?"}]}),
    ),
    api("questions/history/", get=reads(office)),
    api(
        "agreement/",
        get=reads(signed_in=False),
        post=does(office, 201, {"text": "We agree.", "based_on": 1}),
    ),
    api("agreement/history/", get=reads(office)),
    api("agreement/{int:version}/", _fixed(1), get=reads(signed_in=False)),
    # The office
    api(
        "groups/",
        get=reads(office),
        post=does(office, 201, {"group": "HIFIS:Desk", "role": "lead", "unit": "hub"}),
    ),
    api("groups/{int:row_id}/", lambda s: [s.group.pk], delete=does(office, 204)),
    api("office/statistics/", get=reads(steering)),
    api("office/rows/inquiries/", get=reads(steering)),
    api("office/rows/{figure}/", _fixed("closure"), get=reads(steering)),
    api("office/report/{int:year}/", _fixed(timezone.localdate().year), get=reads(steering)),
    api(
        "office/report/{int:year}/pdf/",
        _fixed(timezone.localdate().year),
        get=reads(steering if pdf_is_possible() else who()),
    ),
    api("office/retention/", get=reads(office)),
    # What describes the API
    api("openapi.json", get=reads(signed_in=False), head=reads(signed_in=False)),
    api("docs/", get=reads(signed_in=False), head=reads(signed_in=False)),
    api("", get=reads(sees=who(), signed_in=False)),
]
#: What an evidence token may do beside reading.
WITH_EVIDENCE_TOKEN = {
    ("POST", "vouchers/{reference}/evidence/"),
    ("POST", "watches/{int:watch_id}/batches/"),
}
#: What can be done before one has agreed to the privacy page.
WITHOUT_CONSENT = {
    *("consent", "privacy", "sign-in", "sign-in-as", "sign-out", "health"),
    *("log-in", "log-in-done", "signed-out", "set-language"),
}
