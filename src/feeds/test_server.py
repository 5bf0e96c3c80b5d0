#!/usr/bin/env python3
"""A web server that misbehaves on demand, for the tests of feeds.

usage: test_server.py FOLDER     prints its port, serves until standard input ends

How a path PATH is answered stands in the file FOLDER/PATH: first word what to do, second a file of FOLDER
where one is needed. What was asked and answered is added to FOLDER/requests, a line each.
"""
import gzip
import hashlib
import http.server
import os
import pathlib
import sys
import threading
import zlib

FOLDER = pathlib.Path(sys.argv[1])
STOP = threading.Event()


def lines_for_ever():
    number = 0
    while True:
        yield b"".join(b"n%d.endless.example\n" % n for n in range(number, number + 4000))
        number += 4000


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, status):
        with open(FOLDER / "requests", "a", encoding="ascii") as file:
            file.write(f"{self.path} {status}\n")

    def answer(self, status, body=b"", **headers):
        self.note(status)
        self.send_response(status)
        length = headers.pop("content_length", len(body))
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is None or length != len(body):
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def stream(self, pieces, pause=0.0, **headers):
        """Until the other side has had enough."""
        self.answer(200, content_length=headers.pop("length", None), **headers)
        for piece in pieces:
            self.wfile.write(piece)
            if pause and STOP.wait(pause):
                return

    def do_GET(self):  # noqa: N802
        try:
            words = (FOLDER / self.path.lstrip("/").split("?")[0]).read_text().split()
        except OSError:
            words = ["status", "404"]
        try:
            getattr(self, "do_" + words[0])(*words[1:])
        except OSError:  # The other side has had enough.
            self.close_connection = True

    def do_file(self, name):
        body = (FOLDER / name).read_bytes()
        etag = '"' + hashlib.sha256(body).hexdigest()[:16] + '"'
        if self.headers.get("If-None-Match") == etag:
            return self.answer(304, ETag=etag)
        return self.answer(200, body, ETag=etag, Last_Modified="Mon, 02 Mar 2026 08:00:00 GMT")

    def do_dated(self, name):
        if self.headers.get("If-Modified-Since") == "Mon, 02 Mar 2026 08:00:00 GMT":
            return self.answer(304)
        return self.answer(200, (FOLDER / name).read_bytes(), Last_Modified="Mon, 02 Mar 2026 08:00:00 GMT")

    def do_encoded(self, name):
        self.answer(200, gzip.compress((FOLDER / name).read_bytes()), Content_Encoding="gzip")

    def do_coded(self, name, coding):
        self.answer(200, (FOLDER / name).read_bytes(), Content_Encoding=coding)

    def do_status(self, number):
        self.answer(int(number), b"<html><title>Sorry</title></html>")

    def do_loop(self):
        self.answer(302, Location=self.path)

    def do_redirect(self, where):
        self.answer(302, Location=where)

    def do_endless(self):
        self.stream(lines_for_ever())

    def do_announced(self):
        self.stream(lines_for_ever(), length=2 << 30)

    def do_bomb(self):
        """Some 20 kB that decode to 20 MB of lines."""
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        line = b"a.example\n" * 100_000
        self.answer(200, b"".join([packer.compress(line) for _ in range(20)] + [packer.flush()]),
                    Content_Encoding="gzip")

    def do_trickle(self):
        self.stream((b"a" for _ in range(10_000)), pause=0.05)

    def do_truncated(self, name):
        body = (FOLDER / name).read_bytes()
        self.answer(200, body[: len(body) // 2], content_length=len(body))


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients here hang up in the middle on purpose."""


def main():
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    STOP.set()
    os._exit(0)


main()
