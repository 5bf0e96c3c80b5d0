"""Feeds over HTTP from a server that misbehaves, files that change, and swaps under load: protection never weakens."""
import gzip
import http.server
import pathlib
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import SHARED_DATA, Postern, ede, until  # noqa: E402

GOOD = "".join(f"bad{i}.feed.example\n" for i in range(50))


class Web(http.server.ThreadingHTTPServer):
    """Serves what `behave` says for every path."""
    daemon_threads = True

    def __init__(self):
        self.behave = "good"
        self.hits = 0
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def send(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.server.hits += 1
        behave = self.server.behave
        if behave == "good":
            if self.headers.get("If-None-Match") == '"v1"':
                return self.send(304)
            return self.send(200, gzip.compress(GOOD.encode()), [("ETag", '"v1"'), ("Content-Encoding", "gzip")])
        if behave == "more":
            return self.send(200, (GOOD + "new.feed.example\n").encode(), [("ETag", '"v2"')])
        if behave == "few":
            return self.send(200, b"bad7.feed.example\nbad8.feed.example\n")
        if behave == "html":
            return self.send(200, b"<!DOCTYPE html><html><body>Sign in to the hotel's network</body></html>")
        if behave == "binary":
            return self.send(200, bytes(range(256)) * 64)
        if behave == "word":
            return self.send(200, b"Forbidden\n")
        if behave == "empty":
            return self.send(200, b"")
        if behave == "loop":
            return self.send(302, headers=[("Location", self.server.url + "/again")])
        if behave == "error":
            return self.send(500, b"no")
        if behave == "short":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            return self.wfile.write(b"half.feed.example\n")
        if behave == "huge":  # Two gigabytes, were anybody to take them.
            self.send_response(200)
            self.end_headers()
            block = b"x.example\n" * 6400
            try:
                for _ in range(2 ** 31 // len(block)):
                    self.wfile.write(block)
            except OSError:
                pass
        return None


class HttpFeeds(unittest.TestCase):
    def test_whatever_comes_the_last_good_copy_stays_in_force(self):
        web = Web()
        self.addCleanup(web.server_close)
        self.addCleanup(web.shutdown)
        config = {"feeds": [{"name": "remote", "format": "wildcard", "url": web.url + "/list", "max_size": "16MiB"}]}
        with Postern(config) as postern:
            until(lambda: postern.feed("remote")["health"] == "good", "the first copy")
            self.assertEqual(ede(postern.ask("bad7.feed.example"))[0], 15)
            for behave, says in (("html", "web page"), ("word", "has a dot"), ("binary", "binary"), ("empty", "empty"),
                                 ("loop", "redirect"), ("error", "500"), ("short", ""), ("huge", "16")):
                with self.subTest(behave):
                    web.behave = behave
                    postern.cli("feed", "update", "remote")
                    feed = until(lambda: postern.feed("remote") if postern.feed("remote")["health"] == "stale"
                                 and says.lower() in postern.feed("remote")["last_error"].lower() else None,
                                 f"the error of {behave} ({postern.feed('remote')})", 20)
                    self.assertNotEqual(feed["last_error"], "")
                    self.assertEqual(feed["rules"], 50)
                    self.assertEqual(ede(postern.ask("bad7.feed.example"))[0], 15)
                    web.behave = "good"
                    postern.cli("feed", "update", "remote")
                    until(lambda: postern.feed("remote")["health"] == "good", "recovery")
            web.behave = "more"
            postern.cli("feed", "update", "remote")
            until(lambda: (ede(postern.ask("new.feed.example")) or (0,))[0] == 15, "the new name in force")
            # A list that shrinks to nearly nothing is taken only by the word of the operator, and only a list.
            for behave, says in (("few", "--accept"), ("html", "web page")):
                web.behave = behave
                postern.cli("feed", "update", "remote", *(["--accept"] if behave == "html" else []))
                until(lambda: says in (postern.feed("remote")["last_error"] or ""), f"the refusal of {behave}")
                self.assertEqual(postern.feed("remote")["rules"], 51)
            web.behave = "few"
            postern.cli("feed", "update", "remote", "--accept")
            until(lambda: postern.feed("remote")["rules"] == 2, "the short list in force")
            web.behave = "more"
            postern.cli("feed", "update", "remote")
            until(lambda: (ede(postern.ask("new.feed.example")) or (0,))[0] == 15, "the long list again")
            # After a restart with the server gone, the last good copy protects from the first query on.
            postern.stop()
            web.behave = "error"
            postern.start()
            self.assertEqual(ede(postern.ask("new.feed.example"))[0], 15)


class FileFeeds(unittest.TestCase):
    def test_a_changed_file_acts_by_itself_and_a_broken_one_does_not(self):
        postern = Postern()
        path = postern.folder / "list"
        path.write_text("one.example\n")
        # A relative path is of the configuration's folder, not of this process's.
        postern.config = {"feeds": [{"name": "file", "format": "domains", "path": "list"}]}
        with postern:
            self.assertEqual(ede(postern.ask("one.example"))[0], 15)
            path.write_text("one.example\ntwo.example\nnot a name\n")
            until(lambda: (ede(postern.ask("two.example")) or (0,))[0] == 15, "the written file in force")
            until(lambda: postern.feed("file")["lines_skipped"] == 1, "the skipped line")
            self.assertIn("line 3", postern.feed("file")["first_skipped"])
            fresh = postern.folder / "fresh"
            fresh.write_text("three.example\n")
            fresh.rename(path)
            until(lambda: (ede(postern.ask("three.example")) or (0,))[0] == 15, "the renamed file in force")
            path.write_bytes(b"\x7fELF\x00\x00\x00")
            until(lambda: postern.feed("file")["health"] == "stale", "the error")
            self.assertEqual(ede(postern.ask("three.example"))[0], 15)

    def test_swapping_under_load_loses_no_query_and_weakens_nothing(self):
        postern = Postern()
        path = postern.folder / "list"
        always = "".join(f"always{i}.example\n" for i in range(2000))
        path.write_text(always)
        postern.config = {"feeds": [{"name": "file", "format": "domains", "path": str(path)}]}
        with postern:
            stop = threading.Event()
            wrong = []

            def ask():
                number = 0
                while not stop.is_set():
                    number += 1
                    try:
                        code = (ede(postern.ask(f"always{number % 2000}.example", timeout=2)) or (0,))[0]
                    except Exception as error:  # A lost query is what this looks for.
                        code = repr(error)
                    if code != 15:
                        wrong.append(code)
                asked.append(number)

            asked = []
            threads = [threading.Thread(target=ask) for _ in range(2)]
            for thread in threads:
                thread.start()
            for version in range(10):
                fresh = postern.folder / "fresh"
                fresh.write_text(always + f"version{version}.example\n")
                fresh.rename(path)
                until(lambda: (ede(postern.ask(f"version{version}.example")) or (0,))[0] == 15, f"version {version}")
            stop.set()
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])
            self.assertGreater(sum(asked), 200)


class MillionNames(unittest.TestCase):
    def test_a_million_real_names_load_while_the_server_answers(self):
        source = SHARED_DATA / "feeds/maltrail/domains.csv.gz"
        if not source.exists():
            print(f"SKIPPED: {source} is not there", flush=True)
            self.skipTest(f"{source} is not there")
        names = [line.split(b",")[0] for line in gzip.decompress(source.read_bytes()).splitlines()[1:1_000_001]]
        postern = Postern()
        path = postern.folder / "million"
        path.write_text("first.example\n")
        postern.config = {"policy": {"block": ["mine.example"]},
                          "feeds": [{"name": "million", "format": "domains", "path": str(path)}]}
        with postern:
            fresh = postern.folder / "fresh"
            fresh.write_bytes(b"\n".join(names) + b"\nlast.of.the.million.example\n")
            slowest = 0.0
            fresh.rename(path)
            began = time.monotonic()
            while (ede(postern.ask("last.of.the.million.example")) or (0,))[0] != 15:
                asked = time.monotonic()
                self.assertEqual(ede(postern.ask("mine.example", timeout=2))[0], 15)
                slowest = max(slowest, time.monotonic() - asked)
                self.assertLess(time.monotonic() - began, 30)
            print(f"a million names in force after {time.monotonic() - began:.2f} s; slowest answer meanwhile "
                  f"{slowest * 1000:.1f} ms", flush=True)
            for name in names[::100_000]:
                self.assertEqual(ede(postern.ask(name.decode()))[0], 15, name)


if __name__ == "__main__":
    unittest.main()
