"""The web server's worker: hears out many visitors at once, and works on one request at a time.

A request is worked on when it is there to its last byte, and an answer is handed over as fast as the visitor takes it:
whoever connects and says nothing, or speaks slowly, costs a place in a list and nothing else. While a request is worked
on in this process no other is, which is the quickest way for pages that compute, and no two of them ever meet. The exception
is work that steps aside (`shared.kit.aside`): another thread then goes on at the counter, and the first comes back when it
has its answer.

It is used by `shared.kit.gunicorn_conf`. As with gunicorn's own synchronous worker each connection carries one request; TLS
is the proxy's.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from gunicorn.http import get_parser, wsgi  # type: ignore[import-untyped]
from gunicorn.workers.base import Worker  # type: ignore[import-untyped]

from shared.kit import aside
from shared.kit.heard import Heard, Progress

AT_MOST = 400
"""Visitors who are heard out at once in a process. One more, and the one who has been silent longest goes."""

HEAD_WITHIN_S = 15.0
"""From the connection to the end of the head."""

SILENT_AT_MOST_S = 20.0
"""In the middle of a body, or of taking an answer, between two signs of life."""

BODY_WITHIN_S = 600.0
"""From the connection to the end of the body: sixteen megabytes over a poor line."""

LINGER_S = 2.0
"""So long what was not heard out is read away after an answer: a connection that is cut earlier loses the answer."""

_PIECE = 65536
_IN_MEMORY = 262_144
_LOOK_ROUND_S = 1.0
_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class _Visit:
    """One connection: what was heard, what is to be said. To gunicorn's parser and response it looks like a socket."""

    def __init__(self, connection: socket.socket, address: Any, door: Any) -> None:
        self.connection = connection
        self.address = address
        self.door = door
        self.came_at = self.moved_at = time.monotonic()
        self.heard = Heard(_IN_MEMORY)
        self.answer: BinaryIO | None = None
        self.is_lingering = False

    def hear(self) -> Progress:
        """Read what is there. Raises OSError when the visitor has gone."""
        progress = self.heard.progress
        while progress is Progress.GOES_ON:
            try:
                piece = self.connection.recv(_PIECE)
            except BlockingIOError:
                break
            if not piece:
                return Progress.GONE
            self.moved_at = time.monotonic()
            progress = self.heard.add(piece)
            if self.heard.wants_a_nod():
                self.connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return progress

    def hand_over(self) -> bool:
        """Send what the visitor takes now of the answer; True when he has all of it. Raises OSError when he has gone."""
        if self.answer is None:
            return True
        while piece := self.answer.read(_PIECE):
            try:
                sent = self.connection.send(piece)
            except BlockingIOError:
                sent = 0
            if sent:
                self.moved_at = time.monotonic()
            if sent < len(piece):
                self.answer.seek(sent - len(piece), os.SEEK_CUR)
                return False
        self.answer.close()
        self.answer = None
        return True

    def say(self, words: bytes) -> None:
        """Begin an answer that is not the application's."""
        self.sendall(words)
        self.begin_to_hand_over()

    def begin_to_hand_over(self) -> None:
        self.moved_at = time.monotonic()
        if self.answer is not None:
            self.answer.seek(0)

    # What gunicorn sees ---------------------------------------------------------------------------------------------

    def recv(self, size: int) -> bytes:
        return self.heard.read(size)

    def sendall(self, data: bytes) -> None:
        if self.answer is None:
            self.answer = cast("BinaryIO", SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 - closed when it is sent
        self.answer.write(data)

    def send(self, data: bytes) -> int:
        """Only for 100 Continue, which was said when the body was awaited."""
        return len(data)

    def gettimeout(self) -> float:
        return 0.0

    def close(self) -> None:
        self.heard.close()
        if self.answer is not None:
            self.answer.close()
        self.connection.close()


class _Turn:
    """The turn of the process. Who comes back from aside goes before who has just arrived."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self._lock = threading.Lock()
        self._returning: deque[threading.Event] = deque()
        self._resting: list[threading.Event] = []

    def is_wanted(self) -> bool:
        return bool(self._returning)

    def leave(self) -> None:
        """Give the turn to who comes back; else to a thread that rests; else to a new one."""
        following: threading.Event | None = None
        with self._lock:
            if self._returning:
                following = self._returning.popleft()
            elif self._resting:
                following = self._resting.pop()
        if following is not None:
            following.set()
        else:
            threading.Thread(target=self._clerk.attend, daemon=True, name="counter").start()

    def take(self) -> None:
        mine = threading.Event()
        with self._lock:
            self._returning.append(mine)
        self._clerk.wake()
        mine.wait()

    def rest(self) -> None:
        """Give the turn away, and wait until it is given back."""
        mine = threading.Event()
        with self._lock:
            self._resting.append(mine)
            following = self._returning.popleft() if self._returning else None
            if following is None:  # whoever wanted it has been served: it stays with us
                self._resting.remove(mine)
                return
        following.set()
        mine.wait()


class Clerk(Worker):  # type: ignore[misc]
    """The worker that gunicorn starts."""

    def run(self) -> None:
        """Until asked to stop: then nobody new is let in, and who is being served is served to the end."""
        self._selector = selectors.DefaultSelector()
        self._visits: set[_Visit] = set()
        self._complete: deque[_Visit] = deque()
        self._closed_at: float | None = None
        self._next_look = 0.0
        self._ended = threading.Event()
        self._doors = {listener.fileno(): listener.getsockname() for listener in self.sockets}
        for listener in self.sockets:
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self.PIPE[0], selectors.EVENT_READ)
        self._turn = _Turn(self)
        threading.Thread(target=self.attend, daemon=True, name="counter").start()
        # This thread only takes signals: a handler of Python's runs in no other one.
        while not self._ended.wait(1.0):
            if self.ppid != os.getppid():
                self.alive = False

    def wake(self) -> None:
        """Make who waits for visitors look up."""
        with suppress(BlockingIOError):  # it has been woken
            os.write(self.PIPE[1], b"1")

    def attend(self) -> None:
        """Serve as long as this thread has the turn."""
        aside.has_turn(self._turn)
        try:
            while not self._ended.is_set():
                if self._turn.is_wanted():
                    self._turn.rest()
                else:
                    self._go_on()
        except BaseException:
            self.log.exception("the counter fails")
            os._exit(1)  # the master starts another

    def _go_on(self) -> None:
        self._look_round()
        for key, _events in self._selector.select(0 if self._complete else _LOOK_ROUND_S):
            if isinstance(key.data, _Visit):
                self._move(key.data)
            elif key.fd == self.PIPE[0]:
                os.read(self.PIPE[0], 4096)
            elif not self._complete:  # else the other processes are nearer
                self._let_in(cast("socket.socket", key.fileobj))
        if self._complete:
            self._serve(self._complete.popleft())

    def _let_in(self, listener: socket.socket) -> None:
        if len(self._visits) >= AT_MOST:
            self._send_the_most_silent_away()
        try:
            connection, address = listener.accept()
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                self._send_the_most_silent_away()
            return
        connection.setblocking(False)
        visit = _Visit(connection, address, self._doors[listener.fileno()])
        self._visits.add(visit)
        try:
            progress = visit.hear()
        except OSError:
            self._let_go(visit)
            return
        if progress is Progress.WHOLE:  # as nearly always: nobody has to be listened for
            self._complete.append(visit)
            return
        self._selector.register(connection, selectors.EVENT_READ, visit)
        self._judge(visit, progress)

    def _move(self, visit: _Visit) -> None:
        """Something can be read from, or written to, this visitor."""
        try:
            if visit.is_lingering:
                if not visit.connection.recv(_PIECE):
                    self._let_go(visit)
            elif visit.answer is not None:
                if visit.hand_over():
                    self._part(visit)
            else:
                self._hear(visit)
        except BlockingIOError:
            pass
        except OSError:
            self._let_go(visit)

    def _hear(self, visit: _Visit) -> None:
        progress = visit.hear()
        if progress is Progress.WHOLE:
            self._selector.unregister(visit.connection)
            self._complete.append(visit)
        else:
            self._judge(visit, progress)

    def _judge(self, visit: _Visit, progress: Progress) -> None:
        """What becomes of a visit that is not whole."""
        if progress is Progress.GONE:
            self._let_go(visit)
        elif progress is not Progress.GOES_ON:
            self._answer(visit, _TOO_LONG if progress is Progress.TOO_LONG else _TOO_LARGE)

    def _answer(self, visit: _Visit, words: bytes) -> None:
        visit.say(words)
        self._selector.modify(visit.connection, selectors.EVENT_WRITE, visit)

    def _part(self, visit: _Visit) -> None:
        """The answer is handed over."""
        if visit.heard.is_whole:
            self._let_go(visit)
            return
        visit.connection.shutdown(socket.SHUT_WR)
        visit.is_lingering = True
        self._selector.modify(visit.connection, selectors.EVENT_READ, visit)

    def _let_go(self, visit: _Visit) -> None:
        self._visits.discard(visit)
        with suppress(KeyError, ValueError):  # it was being served
            self._selector.unregister(visit.connection)
        visit.close()

    def _send_the_most_silent_away(self) -> None:
        waiting = [visit for visit in self._visits if visit.answer is None and not visit.heard.is_whole]
        if waiting:
            self._let_go(min(waiting, key=lambda visit: visit.moved_at))

    def _look_round(self) -> None:
        now = time.monotonic()
        if now < self._next_look and self.alive:
            return
        self._next_look = now + _LOOK_ROUND_S
        self.notify()
        for visit in list(self._visits):
            self._hurry(visit, now)
        if not self.alive:
            self._close(now)

    def _hurry(self, visit: _Visit, now: float) -> None:
        is_silent = now - visit.moved_at > SILENT_AT_MOST_S
        if visit.is_lingering:
            if now - visit.moved_at > LINGER_S:
                self._let_go(visit)
        elif visit.answer is not None:
            if is_silent and visit.connection.fileno() in self._selector.get_map():
                self._let_go(visit)
        elif visit.heard.has_head:
            if not visit.heard.is_whole and (is_silent or now - visit.came_at > BODY_WITHIN_S):
                self._answer(visit, _TOO_LATE)
        elif now - visit.came_at > HEAD_WITHIN_S:
            if visit.heard.has_begun:
                self._answer(visit, _TOO_LATE)
            else:
                self._let_go(visit)

    def _close(self, now: float) -> None:
        """Let nobody in any more; who has said nothing yet goes, the others are served, as long as there is time."""
        if self._closed_at is None:
            self._closed_at = now
            for listener in self.sockets:
                self._selector.unregister(listener)
                listener.close()
            for visit in [visit for visit in self._visits if not visit.heard.has_begun]:
                self._let_go(visit)
        if not self._visits or now > self._closed_at + self.cfg.graceful_timeout:
            self._ended.set()

    # One request --------------------------------------------------------------------------------------------------------

    def _serve(self, visit: _Visit) -> None:
        request = None
        try:
            request = next(get_parser(self.cfg, visit, visit.address))
            self._work_on(visit, request)
        except StopIteration:
            pass
        except Exception as error:  # whatever it is, the next visitor is served
            if visit.answer is None or visit.answer.tell() == 0:
                self.handle_error(request, visit, visit.address, error)
            else:
                self.log.exception("an answer broke off")
                visit.answer.close()
                visit.answer = None
        visit.begin_to_hand_over()
        try:
            has_all = visit.hand_over()
            if has_all and visit.heard.is_whole:
                self._let_go(visit)
                return
            self._selector.register(visit.connection, selectors.EVENT_WRITE, visit)
            if has_all:
                self._part(visit)
        except OSError:
            self._let_go(visit)

    def _work_on(self, visit: _Visit, request: Any) -> None:
        began = time.monotonic()
        self.cfg.pre_request(self, request)
        answer, environ = wsgi.create(request, visit, visit.address, visit.door, self.cfg)
        environ["wsgi.multithread"] = True
        answer.force_close()
        self.nr += 1
        if self.nr >= self.max_requests:
            self.alive = False
        pieces = self.wsgi(environ, answer.start_response)
        try:
            for piece in pieces:
                answer.write(piece)
            answer.close()
        finally:
            self.log.access(answer, request, environ, timedelta(seconds=time.monotonic() - began))
            if hasattr(pieces, "close"):
                pieces.close()
            self.cfg.post_request(self, request, environ, answer)
