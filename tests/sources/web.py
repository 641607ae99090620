"""A web server on this machine that serves bytes, badly where it is told to."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers each request by what the server has under its path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append((self.command, self.path, self.headers.get("Authorization")))
        answer = self.server.answers.get(path)
        if answer is None:
            self.reply(404)
        elif isinstance(answer, bytes):
            self.reply(200, answer)
        else:
            answer(self)

    do_HEAD = do_GET  # noqa: N815

    def reply(
        self, status: int, body: bytes = b"", kind: str = "image/png", size: int = -1
    ) -> None:
        """Send a whole answer, of which the head may give another size."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if size < 0 else size))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
        if size > len(body):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Serves what ``answers`` has: bytes, or what writes an answer of its own.

    Attributes:
        answers: by path.
        asked: method, path and authorization of each request.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, bytes | Answer] = {}
        self.asked: list[tuple[str, str, str | None]] = []

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.netloc}"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news."""


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs while the block does."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def page(*links: str) -> Answer:
    """A page with links, as servers make them for folders."""
    text = "".join(f'<a href="{link}">{link}</a>' for link in links).encode()
    return lambda handler: handler.reply(200, text, "text/html")


def failing(times: int, answer: bytes | Answer, status: int = 503, method: str = "") -> Answer:
    """Answer with an error so many times, or the connection cut where the status is 0."""
    count: Counter[str] = Counter()

    def answered(handler: Handler) -> None:
        if method in ("", handler.command) and count[handler.command] < times:
            count[handler.command] += 1
            if status:
                handler.reply(status)
            else:
                handler.close_connection = True
        elif isinstance(answer, bytes):
            handler.reply(200, answer)
        else:
            answer(handler)

    return answered


def breaking(times: int, body: bytes, after: int) -> Answer:
    """Cut the transfer after some bytes, so many times."""
    count = Counter[str]()

    def answered(handler: Handler) -> None:
        if handler.command == "GET" and count["GET"] < times:
            count["GET"] += 1
            handler.reply(200, body[:after], size=len(body))
        else:
            handler.reply(200, body)

    return answered
