"""The gate: poisoned updates reach no client and the report says why; holding, activating, rolling back, previewing."""
import http.server
import json
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time
import unittest

import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rrset

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import BINARY, Postern, until  # noqa: E402
from feeds_test import Web  # noqa: E402

GOOD = [f"bad{i}.feed.example" for i in range(2000)]
USED = [f"www.used{i}.example" for i in range(400)]
OURS = "mail.ours.example"


class Upstream:
    """A resolver for which every name has an address; what begins with "cdn" has it by an alias."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                octets, client = self.socket.recvfrom(4096)
            except OSError:
                return
            query = dns.message.from_wire(octets)
            answer = dns.message.make_response(query)
            answer.flags |= 0x80
            owner = query.question[0].name
            if owner.labels[0].startswith(b"cdn"):
                answer.answer.append(dns.rrset.from_text(owner, 1, "IN", "CNAME", "edge.network.example."))
                owner = dns.name.from_text("edge.network.example.")
            if query.question[0].rdtype == 1:
                answer.answer.append(dns.rrset.from_text(owner, 1, "IN", "A", "192.0.2.7"))
            self.socket.sendto(answer.to_wire(), client)

    def close(self):
        self.socket.close()


class ListServer(Web):
    """Serves `text` for every path, and tells changes by their ETag."""

    def __init__(self, names):
        self.serve(names)
        super().__init__()
        self.behave = None

    def serve(self, names):
        self.text = "".join(name + "\n" for name in names)

    def finish_request(self, request, client_address):
        ListHandler(request, client_address, self)


class ListHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.hits += 1
        body = self.server.text.encode()
        self.send_response(200)
        self.send_header("ETag", f'"{hash(body)}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def ask(postern, name, client="127.0.0.1"):
    return dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=postern.port, timeout=6, source=client)


class Prober(threading.Thread):
    """Asks for what people here use, all the time; whoever does not get an answer is named."""

    def __init__(self, postern, names):
        super().__init__(daemon=True)
        self.postern, self.names, self.wrong, self.asked = postern, names, [], 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            name = self.names[self.asked % len(self.names)]
            self.asked += 1
            answer = ask(self.postern, name, f"127.0.0.{2 + self.asked % 8}")
            if not answer.answer:
                self.wrong.append((name, dns.rcode.to_text(answer.rcode())))

    def end(self):
        self.stopping.set()
        self.join()


class Gate(unittest.TestCase):
    def setUp(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)
        self.web = ListServer(GOOD)
        self.addCleanup(self.web.server_close)
        self.addCleanup(self.web.shutdown)
        self.config = {
            "feeds": [{"name": "ads", "format": "wildcard", "url": self.web.url + "/list"}],
            "gate": {"own_domains": ["ours.example"]},
            "resolver": {"mode": "forward", "answer_deadline_ms": 3000,
                         "forward": [{"zone": ".", "servers": [f"127.0.0.1:{self.upstream.port}"]}]},
        }

    def is_blocked(self, postern, name):
        return not ask(postern, name).answer

    def update(self, postern, names, *flags):
        self.web.serve(names)
        postern.cli("feed", "update", "ads", *flags)

    def held(self, postern, reason):
        def found():
            feed = postern.feed("ads")
            held = feed["held"]
            return feed if held and any(reason in text for text in held["reasons"]) else None
        return until(found, f"an update held because it {reason} ({postern.feed('ads')['last_error']})", 20)

    def use(self, postern):
        for number, name in enumerate([*USED, OURS]):
            for client in range(1 + number % 3):
                ask(postern, name, f"127.0.0.{2 + client}")

    def test_rules_on_clients_and_own_addresses_reach_nobody(self):
        zone = ["$ORIGIN bad.zone.", "@ 60 SOA ns.example. who.example. 1 60 60 60 60", "@ 60 NS ns.example."]
        zone += [f"bad{i}.feed.example 60 CNAME ." for i in range(2000)]
        self.web.serve(zone)
        self.config["feeds"][0].update(format="rpz")
        self.config["gate"]["own_networks"] = ["192.0.2.0/24"]
        with Postern(self.config) as postern:
            until(lambda: self.is_blocked(postern, "bad7.feed.example"), "the first copy")
            for line, code in (("8.0.0.0.127.rpz-client-ip 60 CNAME .", "client_rules"),
                               ("24.0.2.0.192.rpz-ip 60 CNAME .", "own_network"),
                               ("32.7.2.0.192.rpz-ip 60 A 203.0.113.66", "own_network"),
                               ("9.0.0.128.100.rpz-ip 60 CNAME .", "wide_network")):
                with self.subTest(line):
                    self.update(postern, [*zone, line])
                    reasons = lambda: [each["code"] for each in postern.api("/api/v1/feeds/ads/report")["reasons"]]
                    until(lambda: code in reasons(), f"an update held for {code}, not {reasons()}", 20)
                    self.assertIsNotNone(postern.feed("ads")["held"])
                    self.assertEqual([each.to_text() for each in ask(postern, OURS).answer[0]], ["192.0.2.7"])

    def test_rules_on_what_answers_lead_to_are_tried_on_the_answers_of_before(self):
        zone = ["$ORIGIN bad.zone.", "@ 60 SOA ns.example. who.example. 1 60 60 60 60", "@ 60 NS ns.example."]
        zone += [f"bad{i}.feed.example 60 CNAME ." for i in range(2000)]
        self.web.serve(zone)
        self.config["feeds"][0].update(format="rpz")
        used = [f"cdn{i}.used.example" for i in range(60)]
        with Postern(self.config) as postern:
            until(lambda: self.is_blocked(postern, "bad7.feed.example"), "the first copy")
            for name in used:
                for client in range(3):
                    ask(postern, name, f"127.0.0.{2 + client}")
            for line, through in (("32.7.2.0.192.rpz-ip 60 CNAME .", "192.0.2.7"),
                                  ("24.0.2.0.192.rpz-ip 60 CNAME .", "192.0.2.7"),
                                  ("*.network.example 60 CNAME .", "edge.network.example")):
                with self.subTest(line):
                    self.update(postern, [*zone, line])
                    examples = lambda: postern.api("/api/v1/feeds/ads/report")["blocked"]["examples"]
                    until(lambda: {each["through"] for each in examples()} == {through},
                          f"an update that would block names through {through}", 20)
                    self.held(postern, "names used most here")
                    report = postern.api("/api/v1/feeds/ads/report")
                    self.assertEqual(report["blocked"]["names_in_use"], 60)
                    self.assertIn(f", through {through}", postern.cli("feed", "preview", "ads"))
                    self.assertFalse(self.is_blocked(postern, used[0]))
            self.update(postern, [*zone, "32.8.2.0.192.rpz-ip 60 CNAME ."])
            until(lambda: postern.feed("ads")["held"] is None, "an address that nobody uses, in force by itself")

    def test_a_poisoned_update_reaches_no_client_and_the_report_says_why(self):
        with Postern(self.config) as postern:
            until(lambda: self.is_blocked(postern, "bad7.feed.example"), "the first copy")
            self.use(postern)
            prober = Prober(postern, [*USED, OURS])
            prober.start()
            self.addCleanup(prober.end)
            cases = [
                ("com", [*GOOD, "com"], "public suffixes: com", "public_suffix"),
                ("com and all below", [*GOOD, "*.com"], "public suffixes: com and below", "public_suffix"),
                ("the organisation's own domain", [*GOOD, "*.ours.example"], "own domain ours.example", "own_domain"),
                ("30 % of the top names", [*GOOD, *USED[:120]], "of the 1000 names used most here", "top_names"),
                ("a shared host", [*GOOD, "*.sharepoint.com"], "many parties", "shared_hosting"),
                ("half a file", GOOD[:1000], "1000 rules where there were 2000", "shrunk"),
                ("ten times as many", [f"n{i}.feed.example" for i in range(20_000)], "10 times as many", "grown"),
            ]
            for what, names, reason, code in cases:
                with self.subTest(what):
                    began = time.monotonic()
                    self.update(postern, names)
                    feed = self.held(postern, reason)
                    print(f"{what}: held after {time.monotonic() - began:.2f} s", flush=True)
                    self.assertEqual(feed["health"], "stale")
                    self.assertEqual(feed["rules"], 2000)
                    self.assertTrue(self.is_blocked(postern, "bad1999.feed.example"))
                    self.assertFalse(self.is_blocked(postern, "other.com"))
                    report = postern.api("/api/v1/feeds/ads/report")
                    self.assertEqual(report["outcome"], "held")
                    self.assertIn(code, [each["code"] for each in report["reasons"]])
                    self.assertGreater(report["history"]["names_in_use"], 390)
                    text = postern.cli("feed", "preview", "ads")
                    self.assertIn("this update is held, because it", text)
                    self.assertIn(reason, text)
                    self.assertIn("error gate: ads: the gate holds an update that", postern.log_text())
                    self.assertIn('postern_feed_held{feed="ads"} 1', postern.api("/metrics"))
                    if code == "top_names":
                        self.assertEqual(report["blocked"]["top_names"], 120)
                        self.assertEqual(report["blocked"]["names_in_use"], 120)
                        print(text, flush=True)
            self.update(postern, [])
            until(lambda: "empty" in postern.feed("ads")["last_error"], "the refusal of an empty file")
            self.assertTrue(self.is_blocked(postern, "bad1999.feed.example"))
            self.update(postern, [*GOOD, "new.feed.example"])
            until(lambda: self.is_blocked(postern, "new.feed.example"), "an ordinary update in force by itself")
            until(lambda: postern.feed("ads")["held"] is None, "that nothing is held any more")
            prober.end()
            self.assertEqual(prober.wrong, [])
            self.assertGreater(prober.asked, 100)

    def test_what_is_held_stays_held_over_a_restart_until_a_person_decides(self):
        with Postern(self.config) as postern:
            until(lambda: self.is_blocked(postern, "bad7.feed.example"), "the first copy")
            self.update(postern, [*GOOD, "zip"])
            self.held(postern, "public suffixes")
            postern.stop()
            postern.start()
            self.held(postern, "public suffixes")
            self.assertTrue(self.is_blocked(postern, "bad7.feed.example"))
            self.assertFalse(self.is_blocked(postern, "zip"))
            diff = postern.cli("feed", "diff", "ads")
            self.assertEqual(diff, "+zip\n")
            self.assertIn("stale, held", postern.cli("feed", "list"))
            done = postern.cli("feed", "activate", "ads")
            self.assertIn("in force", done)
            self.assertTrue(self.is_blocked(postern, "zip"))
            self.assertIn("feed ads: held update activated, by", postern.log_text())
            self.assertIn("held update activated (feed ads)", postern.cli("audit"))
            began = time.monotonic()
            postern.cli("feed", "rollback", "ads")
            took = time.monotonic() - began
            print(f"rolled back in {took:.3f} s", flush=True)
            self.assertLess(took, 1)
            self.assertFalse(self.is_blocked(postern, "zip"))
            self.assertTrue(self.is_blocked(postern, "bad7.feed.example"))
            self.assertEqual(postern.feed("ads")["held"]["state"], "rolled_back")
            postern.cli("feed", "update", "ads")
            postern.stop()
            postern.start()
            self.assertFalse(self.is_blocked(postern, "zip"))
            # By its number: what is in force after it, and what the commands say to mistakes.
            kept = json.loads(postern.cli("feed", "rollback", "--json"))
            self.assertGreaterEqual(len(kept["kept"]), 2)
            self.assertIn(f"generation {kept['in_force']}", postern.cli("feed", "rollback"))
            self.assertEqual(postern.run("feed", "rollback", "999999").returncode, 1)
            self.assertEqual(postern.run("feed", "activate", "nofeed").returncode, 1)
            postern.cli("feed", "reject", "ads")
            self.assertEqual(postern.feed("ads")["held"]["state"], "rejected")
            self.assertEqual(postern.run("feed", "activate", "ads").returncode, 2)

    def test_an_update_after_which_much_more_is_blocked_is_taken_back(self):
        self.config["gate"]["watch_minutes"] = 10
        names = [f"www.new{i}.example" for i in range(30)]
        with Postern(self.config) as postern:
            until(lambda: self.is_blocked(postern, "bad7.feed.example"), "the first copy")
            postern.stop()
            # What days of traffic would have taught it.
            (postern.folder / "state/gate/rates").write_text("postern-block-rates 2\n100 8 0.01 0.0001 0.01 0.0001 default\n")
            postern.start()
            self.update(postern, [*GOOD, *names])
            until(lambda: self.is_blocked(postern, names[0]), "the update in force: nobody used these names before")
            self.assertIn("blocked", postern.cli("explain", names[3]))
            for number in range(260):
                ask(postern, names[number % 30], f"127.0.0.{2 + number % 8}")
            until(lambda: not self.is_blocked(postern, names[0]), "the update taken back", 20)
            self.assertTrue(self.is_blocked(postern, "bad7.feed.example"))
            feed = until(lambda: postern.feed("ads") if postern.feed("ads")["held"] else None, "the held update")
            self.assertIn("queries of the group default blocked, where", feed["last_error"])
            self.assertIn("taken back is an update that had", postern.log_text())
            # What it would do, and what was so before, can be asked about.
            self.assertIn("blocked", postern.cli("explain", names[3], "--candidate", "ads").splitlines()[0])
            self.assertNotIn("blocked", postern.cli("explain", names[3]).splitlines()[0])
            self.assertIn("blocked", postern.cli("explain", GOOD[3], "--at", "now").splitlines()[0])
            self.assertEqual(postern.run("explain", names[3], "--at", "2020-01-01T00:00:00Z").returncode, 1)
            self.assertEqual(postern.run("explain", names[3], "--at", "1h", "--candidate", "ads").returncode, 2)

    def test_one_group_has_an_update_first_until_a_person_or_its_time_gives_it_to_all(self):
        self.config["groups"] = [{"name": "staff", "clients": ["127.0.0.2/32"]}]
        self.config["gate"]["canary_group"] = "staff"
        with Postern(self.config) as postern:
            until(lambda: self.is_blocked(postern, "bad7.feed.example"), "the first copy, for all")
            self.update(postern, [*GOOD, "new.feed.example"])
            until(lambda: not ask(postern, "new.feed.example", "127.0.0.2").answer, "the update in force for staff")
            self.assertFalse(self.is_blocked(postern, "new.feed.example"), "not for others")
            until(lambda: "good, tried" in postern.cli("feed", "list"), "what the list of feeds says of it")
            self.assertEqual(postern.feed("ads")["held"]["state"], "canary")
            self.assertIn('postern_feed_held{feed="ads"} 0', postern.api("/metrics"))
            self.assertIn("blocked", postern.cli("explain", "new.feed.example", "--client", "127.0.0.2").splitlines()[0])
            self.assertNotIn("blocked", postern.cli("explain", "new.feed.example", "--client", "127.0.0.9").splitlines()[0])
            self.assertEqual(postern.cli("feed", "diff", "ads"), "+new.feed.example\n")
            postern.cli("feed", "activate", "ads")
            self.assertTrue(self.is_blocked(postern, "new.feed.example"))
            self.assertIsNone(postern.feed("ads")["held"])

    def test_a_preview_tells_what_a_list_would_do_without_a_server_that_knows_it(self):
        with Postern(self.config) as postern:
            until(lambda: self.is_blocked(postern, "bad7.feed.example"), "the first copy")
            self.use(postern)
            postern.stop()
            path = postern.folder / "candidate"
            path.write_text("*.used7.example\nnew.example\n")
            base = [BINARY, "feed", "preview", "candidate", "-c", str(postern.folder / "postern.yaml")]
            self.web.serve(["one.example", "com"])
            for flags, found in ((["--file", str(path)], "www.used7.example"),
                                 (["--url", self.web.url + "/list"], "public suffixes: com")):
                done = subprocess.run([*base, *flags, "--format", "wildcard"], capture_output=True, text=True,
                                      timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(found, done.stdout)
                self.assertIn("Tried on", done.stdout)
            done = subprocess.run([*base, "--file", str(path)], capture_output=True, text=True, timeout=60, check=False)
            self.assertIn("--format", done.stderr)
            self.assertEqual(done.returncode, 2)

    def test_the_memory_is_kept_and_a_damaged_one_is_named(self):
        with Postern(self.config) as postern:
            self.use(postern)
            postern.stop()
            path = postern.folder / "state/gate/questions"
            octets = bytearray(path.read_bytes())
            self.assertNotIn(b"127.0.0.", octets)
            postern.start()
            until(lambda: re.search(r"info gate: 40[1-9] names that were asked for are remembered", postern.log_text()),
                  "what was asked before")
            self.assertRegex(postern.api("/metrics"), r"postern_gate_names 40[1-9]\n")
            postern.stop()
            octets[len(octets) // 2] ^= 1
            path.write_bytes(octets)
            postern.start()
            until(lambda: "learnt anew; the damaged file is now" in postern.log_text(), "the warning")


if __name__ == "__main__":
    unittest.main()
