"""Pipes to a child process that answers one message at a time, in bounded time and memory.

All pipes are read and written in one loop by who asks, so a child that stops reading, writes garbage or fills
standard error blocks nobody for longer than the deadline, and no thread is left behind.
"""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlcore.errors import EncoderEnded, EncoderFailed
from mlcore.inference.encoder_messages import ANSWER_BYTES, HEADER, header_of, read_header

LOOK_EVERY = 0.05  # seconds between two looks at the clock and at the memory
CHUNK = 2**20
GRACE = 1.0  # seconds for a process to say its last words, and then to end
TAIL_BYTES = 2000  # of standard error, for the sentence on a crash
NO_ANSWER = "its process sent something that is no answer and was ended"


class MessagePipes:
    """A process with pipes; `close` kills it. Every failure does so too, and is an EncoderFailed."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], memory_bytes: int) -> None:
        pipe = subprocess.PIPE
        # A session of its own: a Ctrl-C reaches it through its parent only, which closes its standard input.
        try:
            self._process = subprocess.Popen(
                argv, cwd=cwd, env=dict(env), stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, start_new_session=True
            )
        except OSError as error:  # too many files open, say: the files of the model are not to blame
            raise EncoderEnded(f"its process could not be started ({error.strerror})") from error
        self._memory_bytes = memory_bytes
        self._tail = b""
        self._streams = [
            stream for stream in (self._process.stdin, self._process.stdout, self._process.stderr) if stream is not None
        ]
        self._stdin, self._stdout, self._stderr = (stream.fileno() for stream in self._streams)
        os.set_blocking(self._stdin, False)
        self._poll = select.poll()
        for descriptor in (self._stdout, self._stderr):
            self._poll.register(descriptor, select.POLLIN)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether nobody answers any more."""
        return self._process.poll() is not None

    def ask(self, kind: bytes, body: bytes, seconds: float) -> tuple[bytes, bytes]:
        """Send a message and return kind and body of the answer. Raises as `receive` does."""
        return self._exchange(memoryview(header_of(kind, body) + body), seconds)

    def receive(self, seconds: float) -> tuple[bytes, bytes]:
        """Return kind and body of the next message.

        Raises:
            EncoderFailed: there is none within that time or memory, or the process crashed or sent something else.
        """
        return self._exchange(memoryview(b""), seconds)

    def _exchange(self, outgoing: memoryview, seconds: float) -> tuple[bytes, bytes]:
        until, received = time.monotonic() + seconds, bytearray()
        try:
            if outgoing:
                self._poll.register(self._stdin, select.POLLOUT)
            while (message := _message_in(received)) is None:
                self._check(until, seconds)
                for descriptor, _ in self._poll.poll(1000 * LOOK_EVERY):
                    outgoing = self._serve(descriptor, outgoing, received)
            if outgoing:
                raise EncoderEnded(NO_ANSWER)
        except BaseException:
            self.close()  # whatever it still sends would answer the next question
            raise
        return message

    def _serve(self, descriptor: int, outgoing: memoryview, received: bytearray) -> memoryview:
        """Move what one pipe is ready for; return what is still to be sent."""
        if descriptor == self._stdin:
            try:
                outgoing = outgoing[os.write(descriptor, outgoing[:CHUNK]) :]
            except BrokenPipeError:
                raise self._ending() from None
            if not outgoing:
                self._poll.unregister(descriptor)
            return outgoing
        data = os.read(descriptor, CHUNK)
        if descriptor == self._stderr:
            self._keep(data)
            if not data:
                self._poll.unregister(descriptor)
        elif data:
            received += data
        else:
            raise self._ending()
        return outgoing

    def _check(self, until: float, seconds: float) -> None:
        if time.monotonic() > until:
            raise EncoderEnded(f"its process did not answer within {seconds:g} s and was ended")
        if resident_bytes(self.pid) > self._memory_bytes:
            raise EncoderEnded(f"its process took more than {self._memory_bytes // 2**20:,} MB of memory and was ended")

    def _ending(self) -> EncoderFailed:
        """Tell how the process ended, which it is about to where its pipes are closed already."""
        self._read_last_words(GRACE)
        self.close(GRACE)
        code = self._process.returncode
        if code < 0:
            perhaps = ": perhaps out of memory" if code == -signal.SIGKILL else ""
            return EncoderEnded(f"its process was killed by signal {-code} ({signal.Signals(-code).name}){perhaps}")
        lines = self._tail.decode(errors="replace").strip().splitlines()
        said = lines[-1][:200] if lines else "it said nothing"
        return EncoderFailed(f"its process ended with exit code {code}: {said}")

    def _keep(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-TAIL_BYTES:]

    def _read_last_words(self, seconds: float) -> None:
        """Read standard error to its end: what its process said there may come after the other pipes have closed."""
        until, poll = time.monotonic() + seconds, select.poll()
        poll.register(self._stderr, select.POLLIN)
        while (left := until - time.monotonic()) > 0 and poll.poll(1000 * left):
            if not (data := os.read(self._stderr, CHUNK)):
                return
            self._keep(data)

    def close(self, grace: float = 0) -> None:
        """End the process, which has `grace` seconds to end by itself, and leave nothing of it behind."""
        if grace:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        if not self.has_ended:  # else its number may be another's by now
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        for stream in self._streams:
            stream.close()


def _message_in(received: bytearray) -> tuple[bytes, bytes] | None:
    """Return the message that has come in whole, None while a part is missing."""
    if len(received) < HEADER.size:
        return None
    try:
        kind, length = read_header(received[: HEADER.size], ANSWER_BYTES)
    except ValueError:
        raise EncoderEnded(NO_ANSWER) from None
    if len(received) > HEADER.size + length:
        raise EncoderEnded(NO_ANSWER)
    return (kind, bytes(received[HEADER.size :])) if len(received) == HEADER.size + length else None


def resident_bytes(pid: int) -> int:
    """Return the memory that a process holds now; 0 where the system does not say, which Linux does."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
