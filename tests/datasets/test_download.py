"""Fetching from a real server on this machine: mirrors in turn, md5 before anything is kept."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lineament.cli import main
from lineament.datasets.download import FASHION_MNIST, MNIST, Source, fetch
from lineament.datasets.registry import DATASETS, open_dataset
from lineament.errors import JobError
from tests.data_root import data_root
from tests.datasets.trees import idx_tree


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a.gz").write_bytes(b"content")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "served")) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


MD5 = hashlib.md5(b"content").hexdigest()


def test_the_next_mirror_is_tried_and_what_is_there_is_left_alone(tmp_path: Path, server: str) -> None:
    fetch(tmp_path / "raw", Source((server + "gone/", server), {"a.gz": MD5}))
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["a.gz"]
    fetch(tmp_path / "raw", Source((), {"a.gz": MD5}))
    (tmp_path / "raw" / "a.gz").rename(tmp_path / "raw" / "a")
    fetch(tmp_path / "raw", Source((), {"a.gz": MD5}))


def test_a_wrong_checksum_is_refused_and_nothing_kept(tmp_path: Path, server: str) -> None:
    with pytest.raises(JobError, match=f"could not fetch a.gz .*md5 {MD5}, expected 00"):
        fetch(tmp_path / "raw", Source((server,), {"a.gz": "00"}))
    assert not (tmp_path / "raw").exists()


def test_without_network_the_addresses_are_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="http://127.0.0.1:9/.*by hand"):
        fetch(tmp_path, Source(("http://127.0.0.1:9/",), {"a.gz": MD5}))


def test_data_fetch_puts_a_readable_set_where_the_others_look_for_it(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = list((idx_tree(tmp_path / "served") / "raw").iterdir())
    md5 = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in files}
    here = replace(DATASETS["mnist"], source=Source((f"{server}raw/",), md5))
    monkeypatch.setitem(DATASETS, "mnist", here)
    assert main(["data", "fetch", "mnist", "--root", str(tmp_path / "data")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'data' / 'MNIST'}\n"
    assert len(open_dataset("mnist", tmp_path / "data")) == 29


def test_the_published_checksums_hold_for_the_real_files() -> None:
    for folder, source in (("MNIST", MNIST), ("FashionMNIST", FASHION_MNIST)):
        for name, md5 in source.md5.items():
            assert hashlib.md5(data_root(folder, "raw", name).read_bytes()).hexdigest() == md5
