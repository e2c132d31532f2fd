"""Archives as they should be, and those that somebody made to hurt."""

from __future__ import annotations

import io
import random
import tracemalloc
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from careloom.core.errors import Hold
from careloom.systems.collaboratemd.archives import CHUNK, Unpacked, unpack
from careloom.systems.collaboratemd.options import LimitOptions
from careloom.systems.collaboratemd.simulator import RunningCollaborateMD
from sizes import size
from systems.collaboratemd.fake_billing import fetched, source_of, table

CSV = b"Charge ID,Patient Name\r\n1,Alder\r\n"


def archive(*members: tuple[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as made:
        for name, content in members:
            made.writestr(name, content)
    return out.getvalue()


def opened(folder: Path, content: bytes, **limits: float) -> Unpacked:
    path = folder / "report.zip"
    path.write_bytes(content)
    return unpack(path, folder, LimitOptions.model_validate(limits))


def held(folder: Path, content: bytes, **limits: float) -> str:
    """The code under which it is held; nothing of it may be left."""
    with pytest.raises(Hold) as found:
        opened(folder, content, **limits)
    assert [path.name for path in folder.iterdir()] == ["report.zip"]
    return found.value.code


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_are_numbered_and_only_their_owner_reads_them(tmp_path: Path, kind: int) -> None:
    found = opened(tmp_path, archive(("b.csv", CSV), ("read.me", b"x"), ("A.CSV", CSV + b"2,B\r\n"), kind=kind))
    assert [path.name for path in found.files] == ["1.csv", "2.csv"]
    assert [path.read_bytes() for path in found.files] == [CSV, CSV + b"2,B\r\n"]
    assert found.ignored == 1
    assert {path.stat().st_mode & 0o777 for path in found.files} == {0o600}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Muñoz, Zoë — “résumé”".encode("cp1252"), "Muñoz, Zoë — “résumé”"),
        ("Muñoz, Zoë — “résumé”".encode(), "Muñoz, Zoë — “résumé”"),
        (b"\xef\xbb\xbfMu\xc3\xb1oz", "Muñoz"),
        (b"\x81\x8d\x8f\x90\x9d\xf1", "\x81\x8d\x8f\x90\x9dñ"),
        (b"cut in a letter \xc3", "cut in a letter Ã"),
        (b"nul \x00 stays", "nul \x00 stays"),
        (b"", ""),
    ],
)
def test_text_is_utf8_or_else_windows_1252(tmp_path: Path, raw: bytes, text: str) -> None:
    assert opened(tmp_path, archive(("a.csv", raw), kind=zipfile.ZIP_STORED)).files[0].read_bytes().decode() == text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.csv", "report.zip"]


def test_a_letter_cut_by_a_chunk_is_still_utf8(tmp_path: Path) -> None:
    raw = b"x" * (CHUNK - 1) + "ñ".encode() * 10
    assert opened(tmp_path, archive(("a.csv", raw), kind=zipfile.ZIP_STORED)).files[0].read_bytes() == raw


def test_a_windows_letter_among_utf8_is_read_alone_and_counted(tmp_path: Path) -> None:
    raw = b"\xc3\xb1 " + b"x" * (2 * CHUNK) + b"\xf1"
    found = opened(tmp_path, archive(("a.csv", raw)))
    assert found.files[0].read_bytes().decode() == "ñ " + "x" * (2 * CHUNK) + "ñ"
    assert found.recoded == 1


def test_a_file_that_is_windows_throughout_is_not_told(tmp_path: Path) -> None:
    assert opened(tmp_path, archive(("a.csv", b"Pe\xf1a,\x80\n"))).recoded == 0


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_with_its_mark_is_read(tmp_path: Path, encoding: str) -> None:
    text = "Payer,Balance\r\nPeña — 😀,$5.00\r\n" * (CHUNK // 10)
    # Python's "utf-16" writes the mark itself.
    raw = (text if encoding == "utf-16" else f"\ufeff{text}").encode(encoding)
    is_same = opened(tmp_path, archive(("a.csv", raw), kind=zipfile.ZIP_STORED)).files[0].read_bytes().decode() == text
    assert is_same  # no difference of megabytes is written out


def test_what_a_computer_packs_along_is_no_file_of_the_report(tmp_path: Path) -> None:
    names = ("__MACOSX/._a.csv", "x/._b.csv", ".DS_Store")
    found = opened(tmp_path, archive(("a.csv", CSV), *((name, b"\0\5\x16") for name in names)))
    assert (len(found.files), found.ignored) == (1, 0)


def test_what_came_instead_of_csv_is_told_by_its_ending_alone(tmp_path: Path) -> None:
    with pytest.raises(Hold, match=r"but 2 others \(\.txt, another kind\): have the report made as CSV"):
        opened(tmp_path, archive(("Hollis Quillfeather.txt", CSV), ("Hollis.Quillfeather", CSV)))


def test_names_never_become_paths(tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    names = ("../../outside.csv", "/tmp/absolute.csv", "..\\windows.csv", "C:\\x.csv", "a\nb.csv")
    found = opened(folder, archive(*((name, CSV) for name in names)))
    assert [path.name for path in found.files] == [f"{number}.csv" for number in range(1, 6)]
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]


def test_numbers_in_names_are_told_with_the_files(tmp_path: Path) -> None:
    names = ("10028395.csv", "x/10026936_aging.csv", "123456789.csv", "10000000.txt")
    found = opened(tmp_path, archive(*((name, CSV) for name in names)))
    assert found.numbers == {"10028395", "10026936"}


# ---------------------------------------------------------------- damaged


def changed(content: bytes, **bytes_at: int) -> bytes:
    """With these bytes exclusive-ored at `local` (in the first header) and `central` (in the directory's first entry)."""
    out = bytearray(content)
    out[bytes_at["local"]] ^= bytes_at["by"]
    out[content.index(b"PK\x01\x02") + bytes_at["central"]] ^= bytes_at["by"]
    return bytes(out)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "corrupt-archive"),
        (b"<html>no archive</html>", "corrupt-archive"),
        (archive(("a.csv", CSV))[:60], "corrupt-archive"),
        (archive(("a.csv", CSV))[:-10], "corrupt-archive"),
        (archive(("a.csv", CSV * 99))[:60] + archive(("a.csv", CSV * 99))[70:], "corrupt-archive"),
        (changed(archive(("a.csv", CSV)), local=14, central=16, by=0xFF), "corrupt-archive"),
        (changed(archive(("a.csv", CSV)), local=8, central=10, by=0x04), "corrupt-archive"),
        (changed(archive(("a.csv", CSV)), local=6, central=8, by=0x01), "encrypted-archive"),
        (archive(("a.csv", CSV), kind=zipfile.ZIP_LZMA), "corrupt-archive"),
        (archive(("inner.zip", archive(("a.csv", CSV)))), "nested-archive"),
        (archive(("inner.csv", archive(("a.csv", CSV)))), "nested-archive"),
        (archive(("good.csv", CSV), ("inner.csv.gz", b"\x1f\x8b")), "nested-archive"),
        (archive(("read.me", b"x")), "no-csv-in-archive"),
        (archive(), "no-csv-in-archive"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_what_is_no_good_archive_is_held_with_its_reason(tmp_path: Path, content: bytes, code: str) -> None:
    assert held(tmp_path, content) == code


def test_a_good_file_before_a_bad_one_is_not_kept(tmp_path: Path) -> None:
    whole = archive(("good.csv", CSV), ("bad.csv", b"y" * 300), kind=zipfile.ZIP_STORED)
    assert held(tmp_path, whole.replace(b"yyyy", b"yxyy", 1)) == "corrupt-archive"


def test_no_byte_that_is_wrong_gives_anything_but_a_report_or_a_hold(tmp_path: Path) -> None:
    """A thousand archives with bytes changed at random: the same content, or a reason."""
    dice = random.Random(4)
    whole = archive(("a.csv", CSV * 20), ("b.csv", CSV))
    for _ in range(1000):
        bad = bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        try:
            found = opened(tmp_path, bytes(bad))
        except Hold:
            continue
        assert {path.read_bytes() for path in found.files} <= {CSV * 20, CSV}


# ---------------------------------------------------------------- too large


def lying(content: bytes, size: int) -> bytes:
    """The same archive, whose headers say that its first member unpacks to `size` bytes."""
    out = bytearray(content)
    out[22:26] = size.to_bytes(4, "little")
    at = content.index(b"PK\x01\x02") + 24
    out[at : at + 4] = size.to_bytes(4, "little")
    return bytes(out)


ZEROS = archive(("a.csv", b"0" * (3 * 1024 * 1024)))


@pytest.mark.parametrize(
    ("content", "limits", "code"),
    [
        (ZEROS, {"ratio": 100}, "archive-too-large"),
        (ZEROS, {"ratio": 10_000, "unpacked_gb": 0.002}, "archive-too-large"),
        (lying(ZEROS, 10), {"ratio": 10_000, "unpacked_gb": 0.002}, "corrupt-archive"),
        (lying(ZEROS, 2**31), {"ratio": 10_000, "unpacked_gb": 0.002}, "archive-too-large"),
        (archive(*((f"{n}.csv", CSV) for n in range(11))), {"files": 10}, "archive-too-large"),
        (archive(*((f"{n}.txt", CSV) for n in range(11)), ("a.csv", CSV)), {"files": 10}, "archive-too-large"),
        (archive(*((f"{n}.csv", b"1" * 300_000) for n in range(9))), {"unpacked_gb": 0.002}, "archive-too-large"),
    ],
    ids=["ratio", "size", "says less", "says more", "files", "other files", "together"],
)
def test_what_is_too_large_is_held(tmp_path: Path, content: bytes, limits: dict[str, float], code: str) -> None:
    assert held(tmp_path, content, **limits) == code


def test_a_zip64_is_refused_before_its_directory_is_read(tmp_path: Path) -> None:
    whole = archive(("a.csv", CSV))
    locator = b"PK\x06\x07" + bytes(4) + (0).to_bytes(8, "little") + (1).to_bytes(4, "little")
    assert held(tmp_path, whole[:-22] + locator + whole[-22:]) == "archive-too-large"


def test_a_large_file_passes_through_in_chunks(tmp_path: Path) -> None:
    """Megabytes of Windows-1252, unpacked and recoded, in a part of that memory."""
    megabytes = size(12, whole=40)
    line = "1,Muñoz,some words\r\n".encode("cp1252")
    path = tmp_path / "report.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as made, made.open("a.csv", "w") as out:
        for _ in range(megabytes):
            out.write(line * (1024 * 1024 // len(line)))
    tracemalloc.start()
    try:
        found = unpack(path, tmp_path, LimitOptions())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.files[0].stat().st_size > megabytes * 1_000_000
    assert peak < 8_000_000


# ---------------------------------------------------------------- over the wire


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("corrupt-zip", "corrupt-archive"),
        ("truncated-zip", "corrupt-archive"),
        ("bad-crc", "corrupt-archive"),
        ("encrypted-zip", "encrypted-archive"),
        ("nested-zip", "nested-archive"),
        ("nested-in-disguise", "nested-archive"),
        ("zip-bomb", "archive-too-large"),
        ("many-files", "archive-too-large"),
        ("no-csv", "no-csv-in-archive"),
        ("bad-base64", "corrupt-answer"),
    ],
)
@pytest.mark.parametrize("form", ["xml", "json"])
def test_each_fault_of_a_report_is_held_and_the_next_report_loads(
    simulator: RunningCollaborateMD, tmp_path: Path, fault: str, code: str, form: str
) -> None:
    simulator.control("fault", kind=fault, report="ar_aging")
    source = source_of(simulator, format=form)
    with pytest.raises(Hold) as found:
        fetched(source, "ar_aging", tmp_path)
    assert found.value.code == code
    assert not list(tmp_path.iterdir())
    assert fetched(source, "ar_aging", tmp_path).state == "ready"


@pytest.mark.parametrize(("fault", "columns"), [("nuls", 20), ("wide", 10_000)])
def test_odd_contents_are_handed_on_as_they_are(
    simulator: RunningCollaborateMD, tmp_path: Path, fault: str, columns: int
) -> None:
    simulator.control("fault", kind=fault)
    found = fetched(source_of(simulator), "ar_aging", tmp_path).files[0]
    assert found.read_bytes().count(b"\x00") == (3 if fault == "nuls" else 0)
    assert len(table(found)[0]) == columns


def test_paths_of_the_wire_stay_in_the_folder(simulator: RunningCollaborateMD, tmp_path: Path) -> None:
    simulator.control("fault", kind="path-traversal")
    found = fetched(source_of(simulator), "ar_aging", tmp_path / "a" / "b")
    assert [path.relative_to(tmp_path).as_posix() for path in found.files] == ["a/b/1.csv", "a/b/2.csv"]
    assert "1 other left out" in found.message
    written: Iterable[Path] = (path for path in tmp_path.rglob("*") if path.is_file())
    assert set(written) == set(found.files)
