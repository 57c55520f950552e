"""Evidence: received only if intact, never changed, and shown so that it can do nothing."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.runs import actions, queries
from evidesk.desk.runs.models import StoredEvidence
from evidesk.desk.vouchers.models import State, Voucher
from evidesk.evidence import Column, Evidence, Table
from tests.desk.conftest import signed_in
from tests.desk.network import WHO, Network, some_evidence, voucher_in
from tests.evidence.samples import a_provenance, an_evidence


@pytest.fixture
def stored(voucher: Voucher, network: Network, crate: Path) -> StoredEvidence:
    return some_evidence(voucher, network, crate)


def changed(crate: Path, folder: Path, old: bytes = b"93.5 %", new: bytes = b"99.5 %") -> Path:
    """The crate with other words in its document."""
    path = folder / "changed.zip"
    with zipfile.ZipFile(crate) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "evidence.json":
                assert old in content
                content = content.replace(old, new)
            target.writestr(entry, content)
    return path


def bomb(folder: Path) -> Path:
    path = folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("evidence.json", b"0" * (64 * 2**20))
    return path


def test_evidence_is_kept_as_it_came(
    network: Network, voucher: Voucher, stored: StoredEvidence, crate: Path
) -> None:
    assert stored.path.read_bytes() == crate.read_bytes()
    assert stored.size == crate.stat().st_size
    assert (stored.added_by, stored.run, stored.kit) == (network.consultant, None, "accuracy")
    assert stored.answer == an_evidence().answer
    assert str(stored) == stored.question
    assert stored.file_name == f"{voucher.reference}-evidence-{stored.pk}.zip"
    assert [one["verdict"] for one in stored.shown["findings"]] == [
        "supported", "undecided", "refuted"
    ]  # fmt: skip
    event = voucher.events.last()
    assert (event.kind, event.data["evidence"]) == ("evidence", stored.pk)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("state", [State.OFFERED, State.ACTIVE, State.REPORTED])
def test_only_the_consultant_adds_evidence_and_only_during_the_work(
    network: Network, crate: Path, media: Path, state: State, who: str
) -> None:
    voucher = voucher_in(state, network)
    if (state, who) == (State.ACTIVE, "consultant"):
        assert actions.receive_evidence(voucher, network[who], crate).voucher == voucher
        return
    with pytest.raises(Refused):
        actions.receive_evidence(voucher, network[who], crate)
    assert not StoredEvidence.objects.exists()


def test_a_crate_with_a_changed_byte_is_refused_by_name(
    network: Network, voucher: Voucher, crate: Path, tmp_path: Path, media: Path
) -> None:
    with pytest.raises(Refused, match=r"evidence\.json was changed"):
        actions.receive_evidence(voucher, network.consultant, changed(crate, tmp_path))
    assert not StoredEvidence.objects.exists()
    assert not media.exists()


def test_what_is_no_crate_is_refused(network: Network, voucher: Voucher, tmp_path: Path) -> None:
    for name, content in (("empty", b""), ("text", b"hello"), ("half", b"PK\x03\x04" * 9)):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(Refused, match=r"^The crate is refused: this is no readable"):
            actions.receive_evidence(voucher, network.consultant, path)
    with pytest.raises(Refused, match="unpacks to more than"):
        actions.receive_evidence(voucher, network.consultant, bomb(tmp_path))


def test_the_same_evidence_comes_once_to_each_voucher(
    network: Network, voucher: Voucher, stored: StoredEvidence, crate: Path
) -> None:
    events = voucher.events.count()
    with pytest.raises(Conflict, match="has exactly this evidence already"):
        actions.receive_evidence(voucher, network.consultant, crate)
    assert voucher.events.count() == events
    other = voucher_in(State.ACTIVE, network)
    assert some_evidence(other, network, crate).sha256 == stored.sha256


def test_stored_evidence_is_never_changed(stored: StoredEvidence) -> None:
    stored.answer = "Better"
    with pytest.raises(TypeError, match="never changed"):
        stored.save()
    stored.refresh_from_db()
    assert stored.answer != "Better"


def test_a_long_table_is_shown_in_part_and_infinity_as_a_word(
    network: Network, voucher: Voucher, tmp_path: Path
) -> None:
    rows = tuple((number, float("inf")) for number in range(actions.ROWS_SHOWN + 5))
    table = Table("long", "Long", (Column("n", "integer"), Column("x", "number")), rows)
    evidence = Evidence("How long?", "Long.", (), tables=(table,), provenance=a_provenance())
    stored = some_evidence(voucher, network, evidence.write(tmp_path / "long.zip"))
    shown = stored.shown["tables"][0]
    assert (len(shown["rows"]), shown["hidden"]) == (actions.ROWS_SHOWN, 5)
    assert shown["rows"][0] == [0, "inf"]
    html = signed_in(network.author).get(f"/vouchers/{voucher.reference}/").content.decode()
    assert "5 more rows are in the download" in html


# Its pages


def test_the_page_shows_all_and_says_that_it_was_verified(
    network: Network, stored: StoredEvidence
) -> None:
    html = signed_in(network.author).get(f"/evidence/{stored.pk}/").content.decode()
    for words in (
        stored.answer, "✓ supported", "✗ refuted", "? undecided", "Every digest was verified",
        "predictions.csv", "ab" * 32, "made elsewhere and pushed by Cyra Consultant",
        "The normal approximation is poor &amp; n is small.", "Accuracy &lt;by&gt; model",
    ):  # fmt: skip
        assert words in html


@pytest.mark.parametrize("how", ["changed", "another", "empty", "gone"])
def test_evidence_that_was_touched_on_the_disk_is_not_shown(
    network: Network,
    stored: StoredEvidence,
    crate: Path,
    crates: list[Path],
    tmp_path: Path,
    how: str,
) -> None:
    stored.path.unlink()
    if how != "gone":
        stored.path.write_bytes(
            {
                "changed": lambda: changed(crate, tmp_path).read_bytes(),
                "another": crates[7].read_bytes,  # intact, but not what came
                "empty": lambda: b"",
            }[how]()
        )
    author = signed_in(network.author)
    for page in ("", "figures/bars.svg", "download/"):
        response = author.get(f"/evidence/{stored.pk}/{page}")
        assert response.status_code == 500
        assert b"cannot be trusted any more" in response.content
        assert str(stored.path) not in response.content.decode()
        assert b"99.5" not in response.content


def test_a_figure_can_do_nothing(network: Network, stored: StoredEvidence) -> None:
    response = signed_in(network.author).get(f"/evidence/{stored.pk}/figures/bars.svg")
    assert response["Content-Type"] == "image/svg+xml"
    policy = response["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert policy.endswith("sandbox")
    assert "script" not in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"].startswith("private")
    assert b"<svg" in response.content


def test_a_crate_is_read_once_for_a_page_and_all_its_figures(
    network: Network, stored: StoredEvidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    by_evidence = Evidence.read
    monkeypatch.setattr(Evidence, "read", lambda path: read.append(path) or by_evidence(path))
    queries._parsed.cache_clear()
    author = signed_in(network.author)
    for page in ("", "figures/bars.svg", "figures/bars.svg", "download/"):
        assert author.get(f"/evidence/{stored.pk}/{page}").status_code == 200
    assert read == [stored.path]


def test_the_download_is_the_crate_itself(
    network: Network, stored: StoredEvidence, crate: Path
) -> None:
    response = signed_in(network.author).get(f"/evidence/{stored.pk}/download/")
    assert b"".join(response.streaming_content) == crate.read_bytes()
    assert response["Content-Type"] == "application/zip"
    assert response["Content-Disposition"] == f'attachment; filename="{stored.file_name}"'


def test_words_from_elsewhere_are_only_words(
    network: Network, voucher: Voucher, crate: Path, tmp_path: Path
) -> None:
    attack: Any = "<script>alert(1)</script>"
    evidence = Evidence(attack, attack, (), warnings=(attack,), provenance=a_provenance())
    stored = some_evidence(voucher, network, evidence.write(tmp_path / "attack.zip"))
    for address in (f"/evidence/{stored.pk}/", f"/vouchers/{voucher.reference}/"):
        html = signed_in(network.author).get(address).content.decode()
        assert "alert(1)" in html
        assert "<script>alert" not in html
