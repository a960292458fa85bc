import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection

import config.celery  # noqa: F401  # it puts our transport in place of kombu's
from config.broker import Transport


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Any]:
    folders = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path), "control_folder": str(tmp_path / "c")}
    with Connection("filesystem://", transport_options=folders) as connection:
        assert isinstance(connection.transport, Transport)
        yield connection.default_channel


def test_messages_come_out_in_the_order_they_went_in(channel: Any) -> None:
    for number in range(5):
        channel._put("work", {"number": number})
        channel._put("train", {"number": -number})
    assert [channel._get("work")["number"] for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(Empty):
        channel._get("work")


def test_a_message_that_is_not_whole_is_dropped_and_the_next_one_comes(channel: Any, tmp_path: Path) -> None:
    (tmp_path / "0_half.work.msg").write_text('{"body": "half')
    channel._put("work", {"number": 1})
    with pytest.raises(Empty):
        channel._get("work")
    assert channel._get("work") == {"number": 1}


def test_a_message_being_written_is_not_seen(channel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(self: Path, text: str) -> None:
        open(self, "w").close()  # noqa: PTH123, SIM115  # Path.open is what is being watched
        with pytest.raises(Empty):
            channel._get("work")

    monkeypatch.setattr(Path, "write_text", look)
    channel._put("work", {"number": 1})


def test_a_full_disk_leaves_no_half_message(channel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        channel._put("work", {"number": 1})
    assert not list(tmp_path.glob("*.msg")) and not list(tmp_path.glob(".*"))


def test_queues_that_are_bound_at_once_are_all_bound_and_no_table_is_ever_half(tmp_path: Path) -> None:
    """Workers start together: one that read the other's empty table ended, and its jobs waited for ever."""
    folders = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path), "control_folder": str(tmp_path / "c")}
    names = [f"queue-{number}" for number in range(8)]
    together = threading.Barrier(len(names))

    def bind(name: str) -> None:
        with Connection("filesystem://", transport_options=folders) as connection:
            channel = connection.default_channel
            together.wait()
            for exchange in range(40):
                channel._queue_bind(f"exchange-{exchange}", name, None, name)
                assert (name, "", name) in channel.get_table(f"exchange-{exchange}")

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(bind, names))
    with Connection("filesystem://", transport_options=folders) as connection:
        for exchange in range(40):
            bound = connection.default_channel.get_table(f"exchange-{exchange}")
            assert sorted(queue.queue for queue in bound) == names


def test_half_a_table_is_written_anew(channel: Any, tmp_path: Path) -> None:
    channel._queue_bind("work", "work", None, "work")
    (tmp_path / "c" / "work.exchange").write_text('[["wo')
    assert channel.get_table("work") == []
    channel._queue_bind("work", "work", None, "work")
    assert [queue.queue for queue in channel.get_table("work")] == ["work"]
