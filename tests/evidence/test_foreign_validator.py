"""A validator that evidesk did not write accepts what evidesk writes.

The validator fetches the JSON-LD context of RO-Crate 1.1. Here it is served from the context that
the library rocrate ships: that of a later version, a superset, so the one term that the crate
must define by itself, `sha256`, is taken out again.
"""

import io
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from rocrate_validator import services
from rocrate_validator.models import Severity, ValidationSettings
from urllib3 import HTTPResponse

from .samples import an_evidence

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


class ContextAdapter(HTTPAdapter):
    """Answers every request with the context."""

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        document = json.loads((files("rocrate") / "data" / "ro-crate.jsonld").read_text("utf-8"))
        del document["@context"]["sha256"]
        answer = HTTPResponse(
            body=io.BytesIO(json.dumps(document).encode()),
            headers={"Content-Type": "application/ld+json"},
            status=200,
            preload_content=False,
            request_url=request.url,
        )
        return self.build_response(request, answer)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("validator") / "http"
    with CachedSession(str(path), backend="sqlite", expire_after=-1) as session:
        session.mount("https://", ContextAdapter())
        session.get(CONTEXT)
    return path


def issues(crate: Path, profile: str, cache: Path) -> list[str]:
    settings = ValidationSettings(
        rocrate_uri=str(crate),
        profile_identifier=profile,
        requirement_severity=Severity.REQUIRED,
        offline=True,
        cache_path=cache,
    )
    return [str(issue.message) for issue in services.validate(settings).get_issues()]


@pytest.mark.parametrize("profile", ["ro-crate-1.1", "process-run-crate"])
@pytest.mark.parametrize("name", ["crate", "crate.zip"])
def test_a_foreign_validator_accepts_the_crate(
    tmp_path: Path, cache: Path, name: str, profile: str
) -> None:
    path = an_evidence().write(tmp_path / name)
    assert issues(path, profile, cache) == []


def without_instrument(graph: dict[str, Any]) -> None:
    del graph["#run"]["instrument"]


def without_profile(graph: dict[str, Any]) -> None:
    del graph["./"]["conformsTo"]


def without_date(graph: dict[str, Any]) -> None:
    del graph["./"]["datePublished"]


def with_unknown_term(graph: dict[str, Any]) -> None:
    graph["./"]["wavelengthOfMyMood"] = "blue"


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (without_instrument, "instrument"),
        (without_profile, "permalink of the profile"),
        (without_date, "date"),
        (with_unknown_term, "wavelengthOfMyMood"),
    ],
)
def test_the_foreign_validator_refuses_a_damaged_crate(
    tmp_path: Path, cache: Path, damage: Callable[[dict[str, Any]], None], complaint: str
) -> None:
    path = an_evidence().write(tmp_path / "crate") / "ro-crate-metadata.json"
    metadata = json.loads(path.read_text("utf-8"))
    damage({entity["@id"]: entity for entity in metadata["@graph"]})
    path.write_text(json.dumps(metadata), "utf-8")
    found = issues(tmp_path / "crate", "process-run-crate", cache)
    assert any(complaint in issue for issue in found), found


def test_the_foreign_validator_misses_a_file_that_is_gone(tmp_path: Path, cache: Path) -> None:
    path = an_evidence().write(tmp_path / "crate")
    (path / "tables" / "again.csv").unlink()
    assert any("again.csv" in issue for issue in issues(path, "ro-crate-1.1", cache))


def test_the_digest_term_is_defined_by_the_crate_itself(tmp_path: Path, cache: Path) -> None:
    path = an_evidence().write(tmp_path / "crate") / "ro-crate-metadata.json"
    metadata = json.loads(path.read_text("utf-8"))
    metadata["@context"] = CONTEXT
    path.write_text(json.dumps(metadata), "utf-8")
    assert any("sha256" in issue for issue in issues(tmp_path / "crate", "ro-crate-1.1", cache))
