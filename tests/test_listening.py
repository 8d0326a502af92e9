"""Where servers listen: what is local, and what is refused before anything is loaded."""

import socket

import pytest

from lineament.errors import JobError, UsageError
from lineament.listening import bound, in_address, is_local


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_this_machine_alone(host):
    assert is_local(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.2", "localhost.example.org", "127.0.0.1.example.org"])
def test_others_may_reach_it(host):
    assert not is_local(host)


def test_a_free_port_is_found_and_a_taken_one_refused():
    with bound("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
        with pytest.raises(JobError, match=f"^127.0.0.1:{port}: cannot listen there .*--port"):
            bound("127.0.0.1", port)


@pytest.mark.parametrize("port", [-1, 65536])
def test_there_is_no_such_port(port):
    with pytest.raises(UsageError, match=f"--port: expected 0 to 65535, got {port}"):
        bound("127.0.0.1", port)


def test_numbers_with_colons_stand_in_brackets():
    assert (in_address("::1"), in_address("127.0.0.1")) == ("[::1]", "127.0.0.1")
    with pytest.raises(JobError, match=r"^\[2001:db8::1\]:0: cannot listen there"):
        bound("2001:db8::1", 0)
