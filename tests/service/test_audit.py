"""The audit log: what was removed, changed, swapped or added shows; a torn line does not stop the service."""

import json
import os
import resource
import threading

import pytest

from lineament.errors import JobError
from lineament.service.audit import AuditLog, Head, check


@pytest.fixture
def path(tmp_path):
    log = AuditLog(tmp_path / "logs" / "audit.jsonl")
    for i in range(5):
        log.write("verify", key="abc", user=f"user {i}", outcome="refused")
    log.close()
    return log.path


def test_a_whole_log_checks_and_is_gone_on_with(path):
    first = check(path)
    assert first.number == 5
    log = AuditLog(path)
    assert log.head == first
    log.write("delete", user="user 1")
    log.close()
    assert check(path) == log.head == Head(6, log.head.hash)
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "spoil",
    [lambda lines: lines[:2] + lines[3:], lambda lines: lines[1:], lambda lines: lines[::-1],
     lambda lines: [lines[0], lines[0], *lines[1:]], lambda lines: [*lines[:3], b"{}\n", *lines[3:]],
     lambda lines: [*lines[:3], lines[3].replace(b"refused", b"accepted"), lines[4]],
     lambda lines: [*lines[:3], b"[[[[", *lines[3:]], lambda lines: [*lines, b"{"], lambda lines: [*lines, b"x\n"]],
)  # fmt: skip
def test_whatever_was_done_to_it_shows(path, spoil):
    path.write_bytes(b"".join(spoil(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(JobError, match=str(path)):
        check(path)


def test_what_was_cut_off_at_the_end_shows_against_a_head_noted_before(path):
    noted = check(path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert check(path) != noted


def test_a_torn_line_is_noted_and_gone_on_after(path):
    whole = path.read_bytes()
    for cut in (3, 40):
        path.write_bytes(whole[:-cut])
        with pytest.raises(JobError, match="torn"):
            check(path)
        log = AuditLog(path)
        log.write("verify", outcome="accepted")
        log.close()
        assert check(path).number == 6  # four, the note of the torn one, and the new one


def test_a_foreign_file_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine\n")
    with pytest.raises(JobError, match="not end with a line of an audit log"):
        AuditLog(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "mine\n"
    with pytest.raises(JobError, match="opened"):
        AuditLog(tmp_path)
    with pytest.raises(JobError, match="read"):
        check(tmp_path / "none")


def test_a_full_disk_is_told(tmp_path):
    log = AuditLog(tmp_path / "audit.jsonl")
    os.dup2(os.open("/dev/full", os.O_WRONLY), log._file)
    with pytest.raises(JobError, match="could not be written"):
        log.write("verify")
    os.close(log._file)


def test_a_disk_that_takes_half_a_line_leaves_none_of_it(path):
    log, (_, hard) = AuditLog(path), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 30, hard))
    try:
        with pytest.raises(JobError, match="is the disk full"):
            log.write("verify", outcome="accepted")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert check(path).number == 5
    log.write("verify", outcome="accepted")
    log.close()
    assert check(path) == log.head
    assert log.head.number == 6


def test_a_second_service_on_the_same_file_is_refused(path):
    log = AuditLog(path)
    with pytest.raises(JobError, match="another service writes to it"):
        AuditLog(path)
    log.close()
    AuditLog(path).close()


def test_several_threads_make_one_chain(tmp_path):
    log = AuditLog(tmp_path / "audit.jsonl")
    threads = [
        threading.Thread(target=lambda: [log.write("verify", outcome="refused") for _ in range(50)]) for _ in range(4)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    log.close()
    assert check(log.path).number == 200
