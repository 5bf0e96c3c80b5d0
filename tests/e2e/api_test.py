"""The API of the real server: held against its OpenAPI file, closed to strangers, metrics that count."""
import json
import pathlib
import re
import socket
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.request

import dns.message
import dns.name
import dns.rrset

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import ROOT, Postern, ede, until  # noqa: E402


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postern = Postern({"policy": {"block": ["*.bad.example"]}, "publish": [
            {"name": "office", "zone": "policy.postern", "clients": ["192.0.2.53"]}]}).start()
        cls.url = f"http://127.0.0.1:{cls.postern.console_port}"
        cls.token = cls.postern.first_run_token()
        for name in ("www.bad.example", "localhost"):
            cls.postern.ask(name)
        cls.postern.logged("www.bad.example")

    @classmethod
    def tearDownClass(cls):
        cls.postern.__exit__(None, None, None)

    def get(self, path, token=None, host=None):
        request = urllib.request.Request(self.url + path)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        if host:
            request.add_header("Host", host)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers

    def test_the_server_is_what_the_openapi_file_says(self):
        stop = threading.Event()

        def ask():  # So that the live stream has something to tell.
            while not stop.wait(0.1):
                self.postern.ask("www.bad.example")

        thread = threading.Thread(target=ask)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(stop.set)
        done = subprocess.run([sys.executable, str(ROOT / "tests/support/openapi_check.py"), "--spec",
                               str(ROOT / "docs/reference/openapi.yaml"), "--url", self.url, "--token", self.token],
                              capture_output=True, text=True, timeout=100, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_nothing_without_the_token(self):
        for path in ("/api/v1/status", "/api/v1/queries", "/api/v1/explain?name=a.example"):
            status, body, headers = self.get(path)
            self.assertEqual(status, 401)
            self.assertIn("problem+json", headers["Content-Type"])
            self.assertEqual(self.get(path, "pst_wrong")[0], 401)
            self.assertEqual(self.get(path, self.token)[0], 200, body)

    def test_a_page_of_another_name_gets_nothing(self):
        self.assertEqual(self.get("/api/v1/status", self.token, host="evil.example")[0], 421)

    def test_the_console_page_is_strict(self):
        status, body, headers = self.get("/")
        self.assertEqual(status, 200)
        self.assertIn("Postern", body)
        self.assertIn("default-src", headers["Content-Security-Policy"])
        self.assertNotIn("unsafe", headers["Content-Security-Policy"])

    def test_metrics_count_what_happened(self):
        def blocked():
            text = self.get("/metrics")[1]
            return text if re.search(r'postern_blocked_total\{[^}]*\} [1-9]', text) else None
        text = until(blocked, "a blocked query in /metrics")
        for name in ("postern_queries_total", "postern_answers_total", "postern_feed_rules", "postern_generation",
                     "postern_cache", "postern_journal"):
            self.assertIn(name, text)
        names = set()
        for line in text.splitlines():
            if line.startswith("# TYPE"):
                self.assertNotIn(line.split()[2], names, "each name once")
                names.add(line.split()[2])
            elif not line.startswith("#"):
                self.assertRegex(line, r'^[a-z_]+(\{([a-z_]+="[^"]*",?)+\})? -?[0-9.e+-]+$')

    def test_top_and_timeline(self):
        top = json.loads(self.get("/api/v1/top?by=name&disposition=blocked", self.token)[1])
        self.assertEqual(top["entries"][0]["key"], "www.bad.example")
        points = json.loads(self.get("/api/v1/timeline?interval_s=60&since=-10m", self.token)[1])["points"]
        self.assertGreaterEqual(sum(point["blocked"] for point in points), 1)

    def test_explain_says_what_the_journal_knows(self):
        row = self.postern.logged("www.bad.example")[0]
        told = json.loads(self.get(f"/api/v1/explain/{row['trace']}", self.token)[1])
        self.assertEqual((told["name"], told["trace"], told["record"]["zone"]), ("www.bad.example", row["trace"], "block"))
        self.assertRegex(self.postern.cli("explain", "--trace", row["trace"]),
                         r"(?s)^www\.bad\.example A for 127\.0\.0\.1 at .*: blocked by block line 1: .*\n"
                         r"With today's policy: blocked by block\n")
        self.assertEqual(self.get("/api/v1/explain/00000000", self.token)[0], 404)

    def test_log_shows_as_many_as_asked_for(self):
        for _ in range(1200):
            self.postern.ask("www.bad.example")

        def stored():
            return json.loads(self.postern.cli("log", "--json", "--limit", "5000", "--below", "bad.example"))
        page = until(lambda: stored() if len(stored()["rows"]) > 1200 else None, "1,200 queries in the journal")
        ids = [row["id"] for row in page["rows"]]
        self.assertEqual(ids, sorted(set(ids), reverse=True))
        self.assertIsNone(page["next"])
        lines = self.postern.cli("log", "--limit", "1100", "--below", "bad.example").splitlines()
        self.assertEqual(len(lines), 1101)  # And the header.

    def test_the_token_is_kept_only_as_a_hash(self):
        for path in (self.postern.folder / "state").rglob("*"):
            if path.is_file():
                self.assertNotIn(self.token.encode(), path.read_bytes(), path)


class Forwarder:
    """Answers every question over UDP: alias.good.example is an alias of tracker.bad.example."""
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            octets, peer = self.socket.recvfrom(4096)
            if not octets:
                return
            query = dns.message.from_wire(octets)
            answer = dns.message.make_response(query)
            name = query.question[0].name
            if name == dns.name.from_text("alias.good.example"):
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", "tracker.bad.example."))
                name = dns.name.from_text("tracker.bad.example")
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.7"))
            self.socket.sendto(answer.to_wire(), peer)

    def close(self):
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()


class BlockedThroughItsAnswer(unittest.TestCase):
    def test_explain_says_what_the_answer_says(self):
        forwarder = Forwarder()
        self.addCleanup(forwarder.close)
        config = {"policy": {"block": ["*.bad.example"]},
                  "resolver": {"mode": "forward", "forward": [{"zone": ".", "servers": [forwarder.address]}]}}
        with Postern(config) as postern:
            before = postern.api("/api/v1/explain?name=alias.good.example")
            self.assertEqual((before["verdict"]["disposition"], before["record"]), ("answered", None))
            self.assertIn("where its answer leads is not known", str(before["steps"]))
            self.assertEqual(ede(postern.ask("alias.good.example"))[0], 15)
            row = postern.logged("alias.good.example")[0]
            self.assertTrue(row["in_chain"])
            told = postern.api("/api/v1/explain?name=alias.good.example")
            self.assertEqual({key: told["verdict"][key] for key in ("disposition", "in_chain", "zone", "line")},
                             {"disposition": "blocked", "in_chain": True, "zone": "block", "line": 1})
            self.assertRegex(postern.cli("explain", "alias.good.example"),
                             r"(?s)^alias\.good\.example A: blocked through its answer by block\n"
                             rf".*Last asked at .* \(trace {row['trace']}\): blocked by block \(line 1\)")
            self.assertIn("through its answer", postern.cli("explain", "--trace", row["trace"]))


if __name__ == "__main__":
    unittest.main()
