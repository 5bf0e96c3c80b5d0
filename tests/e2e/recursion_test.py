"""Recursion and validation for real: root, top level and leaf servers by Knot, clients dig, kdig and delv."""
import concurrent.futures
import pathlib
import socket
import struct
import subprocess
import sys
import time
import unittest

import dns.flags
import dns.message
import dns.rdatatype

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import Postern, addresses, ede, private_internet, rcode, recursing  # noqa: E402


class Recursion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        private_internet(cls)
        # One worker, because each has a cache of its own.
        cls.postern = Postern(recursing(cls.net, {"server": {"workers": 1},
                                                  "policy": {"block": ["*.malware.example"]}}))
        cls.postern.start()
        cls.addClassCleanup(cls.postern.__exit__, None, None, None)

    def test_every_name_of_the_private_internet(self):
        blocked = ("chain.signed.example.", "bad.malware.example.")
        slow = ("www.dead.example.",)
        for case in self.net.ready["expected"]:
            if case["name"] in blocked + slow:
                continue
            with self.subTest(name=case["name"], type=case["type"]):
                answer = self.postern.ask(case["name"], case["type"], want_dnssec=True, timeout=8)
                if answer.flags & dns.flags.TC:
                    answer = self.postern.ask(case["name"], case["type"], want_dnssec=True, tcp=True)
                self.assertEqual(rcode(answer), case["rcode"])
                self.assertEqual(bool(answer.flags & dns.flags.AD), case["security"] == "secure")
                wanted = {text for text in case["data"] if text[0].isdigit()}
                if case["type"] == "A":
                    self.assertLessEqual(wanted, set(addresses(answer)))

    def test_a_dead_server_gives_servfail_with_a_reason_in_time(self):
        began = time.monotonic()
        answer = self.postern.ask("www.dead.example.", timeout=8)
        self.assertLess(time.monotonic() - began, 7)
        self.assertEqual(rcode(answer), "SERVFAIL")
        self.assertIn(ede(answer)[0], (22, 23))

    def test_bogus_says_why_and_cd_gets_the_data(self):
        answer = self.postern.ask("www.bogus.example.")
        self.assertEqual(rcode(answer), "SERVFAIL")
        self.assertIn(ede(answer)[0], (6, 7, 8, 9, 10, 12))
        answer = self.postern.ask("www.bogus.example.", flags=dns.flags.RD | dns.flags.CD)
        self.assertEqual((rcode(answer), addresses(answer)), ("NOERROR", ["192.0.2.30"]))
        self.assertFalse(answer.flags & dns.flags.AD)
        # What a CD client saw is not what others get.
        self.assertEqual(rcode(self.postern.ask("www.bogus.example.")), "SERVFAIL")

    def test_signatures_only_for_those_who_ask(self):
        with_do = self.postern.ask("www.signed.example.", want_dnssec=True)
        without = self.postern.ask("www.signed.example.")
        self.assertIn(dns.rdatatype.RRSIG, {r.rdtype for r in with_do.answer})
        self.assertEqual({r.rdtype for r in without.answer}, {dns.rdatatype.A})

    def test_a_chain_that_leads_to_a_blocked_name_is_blocked_whole(self):
        for rdtype in ("A", "AAAA", "HTTPS"):
            with self.subTest(rdtype=rdtype):
                answer = self.postern.ask("chain.signed.example.", rdtype)
                self.assertEqual((rcode(answer), ede(answer)[0]), ("NXDOMAIN", 15))
                self.assertEqual(answer.answer, [])
                self.assertFalse(answer.flags & dns.flags.AD)
        row = self.postern.logged("chain.signed.example")[0]
        self.assertTrue(row["in_chain"])
        self.assertEqual(row["rule"], "*.malware.example")
        self.assertIn("malware.example", self.postern.cli("log", "--disposition", "blocked"))

    def test_an_https_alias_that_leads_to_a_blocked_name_is_blocked(self):
        self.assertEqual(ede(self.postern.ask("svc.signed.example.", "HTTPS"))[0], 15)

    def test_the_second_answer_comes_from_the_cache_with_less_ttl(self):
        first = self.postern.ask("h7.signed.example.")
        time.sleep(1.1)  # TTLs count whole seconds.
        second = self.postern.ask("h7.signed.example.")
        self.assertEqual(addresses(first), addresses(second))
        self.assertLess(second.answer[0].ttl, first.answer[0].ttl)
        sources = [row["source"] for row in self.postern.logged("h7.signed.example", 2)]
        self.assertEqual(sources, ["cache", "resolver"])

    def test_a_big_answer_is_truncated_and_whole_over_tcp(self):
        self.assertTrue(self.postern.ask("big.signed.example.", "TXT").flags & dns.flags.TC)
        answer = self.postern.ask("big.signed.example.", "TXT", tcp=True)
        self.assertEqual(len(answer.answer[0][0].strings), 14)
        self.assertIn("192.0.2.1", self.postern.dig("www.signed.example"))
        self.assertIn("13xxx", self.postern.dig("big.signed.example", "TXT"))

    def test_the_fields_own_clients(self):
        kdig = subprocess.run(["kdig", "@127.0.0.1", "-p", str(self.postern.port), "+dnssec", "www.signed.example"],
                              capture_output=True, text=True, timeout=20, check=False).stdout
        self.assertIn("192.0.2.1", kdig)
        self.assertRegex(kdig, r"Flags: qr rd ra ad")
        anchors = pathlib.Path(self.net.folder) / "anchors.conf"
        tag, algorithm, digest_type, digest = self.net.ready["trust_anchor"].split()[3:7]
        anchors.write_text(f'trust-anchors {{ . static-ds {tag} {algorithm} {digest_type} "{digest}"; }};\n')
        delv = subprocess.run(["delv", "@127.0.0.1", "-p", str(self.postern.port), "-a", str(anchors), "+root=.",
                               "www.signed.example", "A"], capture_output=True, text=True, timeout=20, check=False)
        self.assertIn("fully validated", delv.stdout + delv.stderr)

    def test_pipelined_tcp_queries_are_answered_out_of_order(self):
        names = ["pipelined.slow.example.", "www.signed.example."]
        with socket.create_connection(("127.0.0.1", self.postern.port), 8) as sock:
            for number, name in enumerate(names):
                wire = dns.message.make_query(name, "A", id=number + 1).to_wire()
                sock.sendall(struct.pack("!H", len(wire)) + wire)
            stream = sock.makefile("rb")
            order = []
            for _ in names:
                size = struct.unpack("!H", stream.read(2))[0]
                order.append(dns.message.from_wire(stream.read(size)).id)
        self.assertEqual(order, [2, 1])

    def test_many_clients_asking_one_slow_name_cause_one_resolution(self):
        name = "burst.slow.example."
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: self.postern.ask(name, timeout=8), range(20)))
        self.assertEqual({tuple(addresses(a)) for a in answers}, {("192.0.2.99",)})

    def test_special_use_names_never_leave(self):
        self.assertEqual(addresses(self.postern.ask("localhost")), ["127.0.0.1"])
        for name in ("printer.local", "x.onion", "x.invalid", "1.0.168.192.in-addr.arpa"):
            with self.subTest(name):
                self.assertEqual(rcode(self.postern.ask(name)), "NXDOMAIN")


class Forwarding(unittest.TestCase):
    def test_conditional_forwarding_beside_recursion(self):
        private_internet(type(self))
        leaf = self.net.ready["servers"]["leaf"]
        config = recursing(self.net, {"resolver": {"forward": [
            {"zone": "insecure.example", "servers": ["udp://" + self.net.ready["servers"]["refusing"] + ":53",
                                                     f"udp://{leaf}:53"]}]}})
        with Postern(config) as postern:
            self.assertEqual(addresses(postern.ask("www.insecure.example.")), ["192.0.2.21"])
            self.assertTrue(postern.ask("www.signed.example.", want_dnssec=True).flags & dns.flags.AD)


if __name__ == "__main__":
    unittest.main()
