"""The restore drill: what is backed up under load comes back whole, elsewhere."""

import json
import tarfile
from pathlib import Path

import pytest

from tests.desk.desks import Desk, Desks, server_of_the_tests

#: Writes until told to stop, and says what is acknowledged.
WRITE = """
import itertools, sys, threading
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
voucher = voucher_in(State.ACTIVE, network)
for number in itertools.count():
    if stop.is_set():
        break
    text = f"message {number}"
    if number % 5 == 0:
        actions.attach(voucher, network.author, upload(text.encode()))
    actions.write(voucher, network.author, text)
    print(text, flush=True)
"""


@pytest.fixture
def busy(new_desk: Desks) -> Desk:
    """A desk with a voucher in each state, files (one of them erased), evidence and a batch."""
    desk = new_desk()
    desk.python(
        """
import tempfile
from pathlib import Path
from tests.evidence.samples import an_evidence
for state in State:
    voucher_in(state, network)
voucher = voucher_in(State.ACTIVE, network)
file = an_attachment(voucher, network)
run = a_run(voucher, network, file)
from evidesk.desk.privacy.actions import erase_files
from evidesk.desk.watches.actions import add_batch, begin_watch
erase_files([an_attachment(voucher, network, b"erased")])
watch = begin_watch(voucher, network.author, name="Leaks", reference=file, parameters={})
add_batch(watch, network.author, upload(b"truth,model\\na,b\\n"))
with tempfile.TemporaryDirectory() as folder:
    some_evidence(voucher, network, an_evidence().write(Path(folder) / "evidence.zip"))
"""
    )
    return desk


def test_a_backup_under_load_comes_back_elsewhere_with_all_that_was_acknowledged(
    busy: Desk, new_desk: Desks, tmp_path: Path
) -> None:
    writer = busy.start(WRITE)
    assert writer.stdout is not None
    before = [writer.stdout.readline().strip() for _ in range(20)]
    backup = tmp_path / "desk.tar"
    busy.command("backup", str(backup))
    said, _ = writer.communicate()
    assert said.strip().splitlines(), "it went on writing"

    elsewhere = new_desk()
    elsewhere.command("restore", str(backup))
    texts = elsewhere.python(
        "print(*Event.objects.filter(kind='message').values_list('text', flat=True), sep='\\n')"
    ).splitlines()
    assert texts[: len(before)] == before
    assert texts == [f"message {number}" for number in range(len(texts))], "as of one moment"
    assert "chain is whole" in elsewhere.command("verify_audit").stdout
    elsewhere.python(
        "kept = Attachment.objects.filter(erased_at=None)\n"
        "assert all(kept[i].path.is_file() for i in range(5))"
    )

    # Now that it is quiet, every row and every file has to be the same.
    busy.command("backup", "--overwrite", str(backup))
    elsewhere.command("restore", "--overwrite", str(backup))
    assert elsewhere.rows() == busy.rows()
    assert elsewhere.files() == busy.files()
    assert len(busy.files()) > 5
    # ... and it can be worked on.
    elsewhere.python("assert voucher_in(State.CLOSED, network).reference.endswith('12')")
    assert (backup.stat().st_mode & 0o777) == 0o600
    assert [file.name for file in tmp_path.iterdir() if "backup" in file.name] == []


def test_a_failed_restore_changes_nothing(busy: Desk, new_desk: Desks, tmp_path: Path) -> None:
    backup, other = tmp_path / "desk.tar", new_desk()
    busy.command("backup", str(backup))
    other.python(
        "inquiry = actions.inquire(subject='a', text='b', email='c@example.org', person=None)"
    )
    rows, files = other.rows(), other.files()

    def refused(file: Path, *options: str) -> str:
        done = other.command("restore", str(file), *options, check=False)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert other.rows() == rows
        assert other.files() == files
        assert list((other.data / "files").glob("incoming*")) == []
        return done.stderr

    assert "This desk is not empty" in refused(backup)
    content = backup.read_bytes()
    broken = tmp_path / "broken.tar"
    broken.write_bytes(content[: len(content) // 2])
    assert "cut off" in refused(broken, "--overwrite")
    # A dump that is what the manifest says and nonetheless no database.
    _rewrite(backup, broken, dump=b"SQLite format 3\0" + b"or not" * 1000)
    said = refused(broken, "--overwrite")
    assert ("is damaged" if not server_of_the_tests() else "cannot be read") in said
    assert "is not as it was made" in refused(_changed(backup, tmp_path), "--overwrite")


def _changed(backup: Path, folder: Path) -> Path:
    """The backup with one byte of a file turned."""
    with tarfile.open(backup) as archive:
        name = next(name for name in archive.getnames() if name.startswith("files/"))
        place = archive.getmember(name).offset_data
    content = bytearray(backup.read_bytes())
    content[place] ^= 1
    changed = folder / "changed.tar"
    changed.write_bytes(content)
    return changed


def _rewrite(backup: Path, target: Path, *, dump: bytes) -> None:
    """A backup that holds together, with another dump."""
    import hashlib
    from io import BytesIO

    with tarfile.open(backup) as old, tarfile.open(target, "w") as new:
        for member in old:
            source = old.extractfile(member)
            assert source is not None
            content = source.read()
            if member.name.startswith("database"):
                content = dump
            if member.name == "manifest.json":
                document = json.loads(content)
                document["dump_sha256"] = hashlib.sha256(dump).hexdigest()
                document["dump_size"] = len(dump)
                content = json.dumps(document).encode()
            member.size = len(content)
            new.addfile(member, BytesIO(content))
