"""What is read was verified: changed evidence is refused by name, hostile zips are not believed."""

import io
import json
import os
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidesk.evidence import Evidence, EvidenceError, layout, reading

from .crates import FILES, document, folder_of, refusal, sealed, zip_of
from .samples import an_evidence

ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


# Changed evidence.


@given(st.data())
@ONE_FOLDER
def test_a_change_of_any_byte_is_refused_and_a_file_named(
    tmp_path: Path, data: st.DataObject
) -> None:
    folder = folder_of(FILES, tmp_path / "crate")
    name = data.draw(st.sampled_from(sorted(FILES)))
    content = bytearray(FILES[name])
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    (folder / name).write_bytes(content)
    message = refusal(folder)
    assert any(path in message for path in FILES)
    if name != layout.MANIFEST:
        assert message.startswith(name)


@given(st.data())
@ONE_FOLDER
def test_a_change_of_any_byte_of_a_zip_never_gives_other_evidence(
    tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "crate.zip"
    whole = an_evidence().write(path, overwrite=True).read_bytes()
    # The last bytes are the directory, where a change is least likely to meet a digest.
    position = data.draw(
        st.integers(0, len(whole) - 1) | st.integers(1, 1_000).map(len(whole).__sub__)
    )
    content = bytearray(whole)
    content[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        assert Evidence.read(path) == an_evidence()
    except EvidenceError:
        pass
    finally:
        path.write_bytes(whole)


@given(st.data())
@ONE_FOLDER
def test_a_truncated_zip_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    whole = an_evidence().write(tmp_path / "crate.zip", overwrite=True).read_bytes()
    path = tmp_path / "short.zip"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    assert "is no readable folder or zip" in refusal(path)


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("place", [folder_of, zip_of])
def test_a_missing_file_is_refused_by_name(
    tmp_path: Path, place: Callable[[dict[str, bytes], Path], Path], name: str
) -> None:
    rest = {path: content for path, content in FILES.items() if path != name}
    assert refusal(place(rest, tmp_path / "crate")).startswith(f"{name} is missing")


@pytest.mark.parametrize("name", ["figures/more.svg", ".DS_Store", "data/lake/raw.csv", "zz.txt"])
@pytest.mark.parametrize("place", [folder_of, zip_of])
def test_an_added_file_is_refused_by_name(
    tmp_path: Path, place: Callable[[dict[str, bytes], Path], Path], name: str
) -> None:
    assert refusal(place(FILES | {name: b""}, tmp_path / "crate")).startswith(
        f"{name} is not listed"
    )


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda text: text.upper(), "is damaged in line 1"),
        (lambda text: text.replace(b"  ", b" *"), "is damaged in line 1"),
        (lambda text: text.replace(b"\n", b"\r\n"), "is damaged in line 1"),
        (lambda text: b"\xff" + text, "is damaged in line 1"),
        (lambda text: text + text.splitlines(keepends=True)[0], "was changed"),
        (lambda text: b"".join(reversed(text.splitlines(keepends=True))), "was changed"),
        (lambda text: text + b"# a note", "was changed"),
        (lambda _: b"", "is not listed"),
    ],
)
def test_a_changed_manifest_is_refused(
    tmp_path: Path, damage: Callable[[bytes], bytes], complaint: str
) -> None:
    changed = FILES | {layout.MANIFEST: damage(FILES[layout.MANIFEST])}
    message = refusal(folder_of(changed, tmp_path / "crate"))
    assert layout.MANIFEST in message
    assert complaint in message


def test_changes_in_two_files_name_the_first(tmp_path: Path) -> None:
    changed = FILES | {"tables/again.csv": b"x", "report.html": b"<h1>All is well</h1>"}
    assert refusal(folder_of(changed, tmp_path / "crate")).startswith("report.html was changed")


# Evidence whose digests hold, but which does not say what it must.


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"evidence.json": b"{"}, "evidence.json is not JSON that can be read"),
        ({"evidence.json": b"\xff"}, "evidence.json cannot be read: 'utf-8' codec"),
        ({"evidence.json": b"[" * 100_000}, "evidence.json is not JSON that can be read"),
        ({"evidence.json": b"9" * 5_000}, "evidence.json is not JSON that can be read"),
        ({"evidence.json": b"[]"}, "evidence.json does not follow its schema at $"),
        ({"evidence.json": document(version=2)}, "not follow its schema at $.version"),
        ({"evidence.json": document(extra=1)}, "does not follow its schema at $: Additional"),
        ({"evidence.json": document(question=" ")}, "evidence.json cannot be read: question"),
        ({"evidence.json": document(tables=[])}, "tables/accuracy.csv belongs to nothing"),
        ({"evidence.json": None}, "evidence.json is missing"),
        ({"report.html": None}, "report.html is missing"),
        ({"tables/again.csv": None}, "tables/again.csv is missing"),
        ({"tables/again.csv": b"model\r\n"}, "tables/again.csv cannot be read: the header"),
        ({"tables/again.csv": b"\xff"}, "tables/again.csv cannot be read: 'utf-8' codec"),
        ({"figures/bars.svg": b"<html/>"}, "the image of figure 'bars': not an SVG document"),
        ({"tool.exe": b"MZ"}, "tool.exe belongs to nothing in evidence.json"),
    ],
)  # fmt: skip
def test_a_sealed_crate_is_still_checked(
    tmp_path: Path, changes: dict[str, bytes | None], complaint: str
) -> None:
    assert complaint in refusal(folder_of(sealed(changes), tmp_path / "crate"))


def test_a_table_reads_its_own_file_and_no_other(tmp_path: Path) -> None:
    changed = json.loads(FILES["evidence.json"])
    changed["tables"][0]["rows"] = "tables/again.csv"
    files = sealed({"evidence.json": json.dumps(changed).encode(), "tables/accuracy.csv": None})
    message = refusal(folder_of(files, tmp_path / "crate"))
    assert message.startswith("tables/accuracy.csv is missing")


def test_an_estimate_that_cannot_be_is_refused(tmp_path: Path) -> None:
    changed = json.loads(FILES["evidence.json"])
    changed["findings"][0]["estimate"]["low"] = 0.99
    files = sealed({"evidence.json": json.dumps(changed).encode()})
    message = refusal(folder_of(files, tmp_path / "crate"))
    assert "evidence.json cannot be read: low <= value <= high does not hold" in message


# What is no evidence at all.


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nothing") == "there is nothing here; check the path"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").startswith("this is neither a folder nor a zip")


def test_an_empty_folder_is_no_evidence(tmp_path: Path) -> None:
    assert "manifest-sha256.txt is missing: this is no evidence" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip at all", b"\x00" * 1_000])
def test_a_file_that_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "crate.zip").write_bytes(content)
    assert refusal(tmp_path / "crate.zip").startswith("this is no readable folder or zip")


def test_a_folder_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_: object) -> object:
        raise PermissionError("not yours")

    monkeypatch.setattr(os, "scandir", forbidden)
    assert "is no readable folder or zip (not yours)" in refusal(tmp_path)


# Hostile folders.


@pytest.mark.parametrize("name", ["\x1b[2J", "line\nbreak", os.fsdecode(b"\xff"), "\u202etxt.exe"])
def test_a_file_with_a_name_that_cannot_be_shown_is_refused(tmp_path: Path, name: str) -> None:
    folder = folder_of(FILES | {name: b""}, tmp_path / "crate")
    assert refusal(folder) == f"{name!r} is refused: no file of evidence has such a name"


def test_a_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    folder = folder_of(FILES, tmp_path / "crate")
    (folder / "report.html").unlink()
    (folder / "report.html").symlink_to("/etc/hostname")
    assert refusal(folder).startswith("report.html is a link")


def test_a_linked_folder_in_a_folder_is_refused(tmp_path: Path) -> None:
    folder = folder_of(FILES, tmp_path / "crate")
    (folder / "figures").rename(tmp_path / "figures")
    (folder / "figures").symlink_to(tmp_path / "figures")
    assert refusal(folder).startswith("figures is a link")


def test_a_pipe_in_a_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "evidence.json")
    assert refusal(tmp_path).startswith("evidence.json is a link or a device")


def test_a_folder_too_large_or_too_full_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(FILES, tmp_path / "crate")
    monkeypatch.setattr(layout, "MAX_FILES", 5)
    assert "more than 5 files are refused" in refusal(folder)
    monkeypatch.setattr(layout, "MAX_BYTES", 1_000)
    assert "more than 1000 bytes are refused" in refusal(folder)


# Honest zips that another program packed.


@pytest.mark.parametrize("extra", [{}, {"__MACOSX/crate/._report.html": b"x"}])
def test_a_zip_of_the_folder_and_not_of_its_content_is_told_so(
    tmp_path: Path, extra: dict[str, bytes]
) -> None:
    deeper = extra | {f"my crate/{name}": content for name, content in FILES.items()}
    assert refusal(zip_of(deeper, tmp_path / "crate.zip")) == (
        "the files lie one folder too deep, in 'my crate': zip the folder's content, not the folder"
    )


def test_a_zip_packed_by_another_program_is_read(tmp_path: Path) -> None:
    path = zip_of(FILES, tmp_path / "crate.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.mkdir("figures")
        archive.mkdir("tables/")
    assert Evidence.read(path) == an_evidence()


# Hostile zips.


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    info.external_attr = mode << 16
    return info


def hostile(path: Path, *entries: tuple[zipfile.ZipInfo, bytes]) -> Path:
    """The evidence as a zip with more entries."""
    zip_of(FILES, path)
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a name comes twice is the point
        for info, content in entries:
            with archive.open(info, "w") as target:
                target.write(content)
    return path


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("../outside.txt", "leads outside the crate"),
        ("figures/../../outside.txt", "leads outside the crate"),
        ("figures/..", "leads outside the crate"),
        ("./report.html", "leads outside the crate"),
        ("figures//bars.svg", "leads outside the crate"),
        ("/etc/passwd", "leads outside the crate"),
        ("//server/share", "leads outside the crate"),
        ("", "leads outside the crate"),
        ("/", "leads outside the crate"),
        ("C:/Windows/win.ini", "has a backslash or a colon"),
        ("report.html:stream", "has a backslash or a colon"),
        ("figures\\bars.svg", "has a backslash or a colon"),
        ("..\\outside.txt", "has a backslash or a colon"),
        ("report.html\x00.txt", "has a character that no file"),
        ("a/" * 30_000, "has more than 255 characters"),
        ("\x00", "has a character that no file"),
        ("report\n.html", "has a character that no file"),
        ("report\u202e.html", "has a character that no file"),
    ],
)
def test_a_name_that_leads_astray_is_refused(tmp_path: Path, name: str, complaint: str) -> None:
    (tmp_path / "in").mkdir()
    path = hostile(tmp_path / "in" / "crate.zip", (entry(name), b"x"))
    assert complaint in refusal(path)
    assert [p.name for p in tmp_path.rglob("*")] == ["in", "crate.zip"]  # nothing was written


@pytest.mark.parametrize(
    ("mode", "complaint"),
    [
        (stat.S_IFLNK | 0o777, "it is a link or a device"),
        (stat.S_IFCHR | 0o666, "it is a link or a device"),
        (stat.S_IFIFO | 0o666, "it is a link or a device"),
        (stat.S_IFDIR | 0o755, "a folder that pretends to be a file"),
    ],
)
def test_an_entry_that_is_no_plain_file_is_refused(
    tmp_path: Path, mode: int, complaint: str
) -> None:
    path = hostile(tmp_path / "crate.zip", (entry("link", mode), b"/etc/passwd"))
    message = refusal(path)
    assert message.startswith("'link' in the zip is refused")
    assert complaint in message


def test_an_entry_with_the_folder_bit_of_dos_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("extra")
    info.create_system, info.external_attr = 0, 0x10
    assert "pretends" in refusal(hostile(tmp_path / "crate.zip", (info, b"x")))


def test_a_folder_with_content_is_refused(tmp_path: Path) -> None:
    path = hostile(tmp_path / "crate.zip", (entry("figures/", stat.S_IFDIR), b"content"))
    assert "a folder that pretends to be a file, or the reverse" in refusal(path)


def test_a_folder_that_says_it_is_a_file_is_refused(tmp_path: Path) -> None:
    path = hostile(tmp_path / "crate.zip", (entry("figures/", stat.S_IFREG), b""))
    assert "a folder that pretends to be a file, or the reverse" in refusal(path)


@pytest.mark.parametrize("name", ["report.html", "REPORT.html", "Figures/bars.svg", "report.html/"])
def test_a_name_that_comes_twice_is_refused(tmp_path: Path, name: str) -> None:
    mode = stat.S_IFDIR if name.endswith("/") else stat.S_IFREG
    path = hostile(tmp_path / "crate.zip", (entry(name, mode), b""))
    assert "comes twice in the zip" in refusal(path)


def test_a_file_that_is_also_a_folder_is_refused(tmp_path: Path) -> None:
    path = hostile(tmp_path / "crate.zip", (entry("Report.html/evil.svg"), b"x"))
    assert "'report.html' in the zip is refused: it is a file and a folder" in refusal(path)


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    path = hostile(tmp_path / "crate.zip")
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "it is encrypted" in refusal(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_rare_compression_is_refused(tmp_path: Path, method: int) -> None:
    path = zip_of(FILES, tmp_path / "crate.zip", method)
    assert "its compression is neither deflate nor none" in refusal(path)


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    path = zip_of(FILES | {"zeros": bytes(2**21)}, tmp_path / "crate.zip")
    assert "it unpacks to more than 200 times its size" in refusal(path)


def test_a_bomb_is_refused_by_its_declared_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "MAX_BYTES", 30_000)
    monkeypatch.setattr(reading, "_drained", lambda *_: pytest.fail("a bomb was opened"))
    path = zip_of(FILES | {"noise": os.urandom(30_001)}, tmp_path / "crate.zip")
    assert "more than 30000 bytes are refused" in refusal(path)


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = zip_of(FILES | {"zz": bytes(2**21)}, tmp_path / "crate.zip")
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = content.rindex(signature)
        content[start + offset : start + offset + 4] = struct.pack("<I", 10)
    path.write_bytes(content)
    assert "is no readable folder or zip" in refusal(path)


def test_what_is_read_counts_and_not_what_was_declared() -> None:
    budget = reading._Budget()
    budget.bytes = 10
    with pytest.raises(EvidenceError, match=r"liar\.csv: more than \d+ bytes are refused"):
        reading._drained(io.BytesIO(b"x" * 11), "liar.csv", budget)


def test_a_crowd_of_entries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MAX_FILES", 20)
    path = zip_of(FILES | {f"{i}": b"" for i in range(20)}, tmp_path / "crate.zip")
    assert "more than 20 files are refused" in refusal(path)


def test_a_huge_directory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zip_of({f"{i:06}": b"" for i in range(21_000)}, tmp_path / "crate.zip")
    monkeypatch.setattr(zipfile, "ZipInfo", lambda *_: pytest.fail("an entry was made"))
    assert "a directory of" in refusal(path)
