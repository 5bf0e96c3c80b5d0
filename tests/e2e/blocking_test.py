"""What is blocked, how it is answered, and that every answer can be explained. Needs no internet at all."""
import pathlib
import sys
import unittest

import dns.flags
import dns.rdatatype

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import Postern, addresses, ede, rcode  # noqa: E402

HOSTS = "# test list\n0.0.0.0 exact.hosts-list.example also.hosts-list.example\n"
WILDCARD = "*.wild-list.example\n"
RPZ = """$ORIGIN rpz.test.
@ 300 SOA ns.rpz.test. hostmaster.rpz.test. 1 3600 600 86400 60
  300 NS ns.rpz.test.
nx.rpz-list.example CNAME .
*.nx.rpz-list.example CNAME .
nodata.rpz-list.example CNAME *.
drop.rpz-list.example CNAME rpz-drop.
tcp.rpz-list.example CNAME rpz-tcp-only.
pass.wild-list.example CNAME rpz-passthru.
local.rpz-list.example A 192.0.2.77
local.rpz-list.example TXT "from the policy zone"
"""


class Blocking(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postern = Postern()
        folder = cls.postern.folder
        (folder / "hosts").write_text(HOSTS)
        (folder / "wildcard").write_text(WILDCARD)
        (folder / "rpz").write_text(RPZ)
        (folder / "null").write_text("null.example\n")
        (folder / "sink").write_text("sink.example\n")
        (folder / "watched").write_text("watched.localhost\n")
        cls.postern.config = {
            "policy": {"allow": ["good.wild-list.example", "*.fine.wild-list.example"],
                       "block": ["*.own-block.example"], "block_ttl_s": 23,
                       "sinkhole": {"ipv4": "192.0.2.66"}},
            "feeds": [
                {"name": "rpz", "format": "rpz", "path": str(folder / "rpz")},
                {"name": "hosts", "format": "hosts", "path": str(folder / "hosts"), "ede": "filtered"},
                {"name": "wild", "format": "wildcard", "path": str(folder / "wildcard"), "ede": "censored"},
                {"name": "null", "format": "domains", "path": str(folder / "null"), "answer": "null_address"},
                {"name": "sink", "format": "domains", "path": str(folder / "sink"), "answer": "sinkhole"},
                {"name": "watched", "format": "domains", "path": str(folder / "watched"), "log_only": True},
            ],
            "groups": [{"name": "kiosk", "clients": ["127.0.0.2/32"], "feeds": ["hosts"], "answer": "refused"}],
        }
        cls.postern.start()

    @classmethod
    def tearDownClass(cls):
        cls.postern.__exit__(None, None, None)

    def test_the_builtin_pack_is_in_force_without_any_configuration(self):
        name = self.postern.cli("feed", "list")
        self.assertIn("hafnium", name)
        feed = self.postern.feed("hafnium")
        self.assertGreater(feed["rules"], 3)
        answer = self.postern.ask("krebsonsecurity.top")
        self.assertEqual(rcode(answer), "NXDOMAIN")
        self.assertEqual(ede(answer)[0], 15)
        self.assertIn("hafnium", ede(answer)[1])

    def test_every_record_type_and_transport_gets_the_same_verdict(self):
        for rdtype in ("A", "AAAA", "TXT", "MX", "NS", "SOA", "HTTPS", "SVCB", "CNAME", "DS", "NULL", "TYPE65399"):
            for tcp in (False, True):
                with self.subTest(rdtype=rdtype, tcp=tcp):
                    answer = self.postern.ask("exact.hosts-list.example", rdtype, tcp=tcp, want_dnssec=True)
                    self.assertEqual(rcode(answer), "NXDOMAIN")
                    self.assertEqual(answer.answer, [])
                    self.assertEqual(answer.flags & dns.flags.AD, 0)
                    code, text = ede(answer)
                    self.assertEqual(code, 17)
                    self.assertIn("hosts", text)

    def test_each_format_means_what_it_declares_for_names_below(self):
        cases = [
            ("exact.hosts-list.example", 17), ("also.hosts-list.example", 17),
            ("below.exact.hosts-list.example", None), ("hosts-list.example", None),
            ("wild-list.example", 16), ("a.b.wild-list.example", 16),
            ("good.wild-list.example", None), ("fine.wild-list.example", None), ("x.fine.wild-list.example", None),
            ("below.good.wild-list.example", 16),
            ("pass.wild-list.example", None),
            ("own-block.example", 15), ("x.own-block.example", 15),
            ("nx.rpz-list.example", 15), ("a.b.nx.rpz-list.example", 15), ("rpz-list.example", None),
        ]
        for name, code in cases:
            with self.subTest(name=name):
                found = ede(self.postern.ask(name))
                if code is None:
                    self.assertNotIn(found and found[0], (15, 16, 17))
                else:
                    self.assertEqual(found and found[0], code)

    def test_answers_of_a_blocked_name(self):
        ask = self.postern.ask
        self.assertEqual(rcode(ask("nodata.rpz-list.example")), "NOERROR")
        self.assertEqual(ask("nodata.rpz-list.example").answer, [])
        self.assertEqual(addresses(ask("null.example")), ["0.0.0.0"])
        self.assertEqual(addresses(ask("null.example", "AAAA")), ["::"])
        self.assertEqual(ask("null.example", "HTTPS").answer, [])
        self.assertEqual(addresses(ask("sink.example")), ["192.0.2.66"])
        self.assertEqual(addresses(ask("sink.example", "AAAA")), [])
        self.assertEqual(ask("sink.example").answer[0].ttl, 23)
        self.assertEqual(addresses(ask("local.rpz-list.example")), ["192.0.2.77"])
        self.assertEqual(ask("local.rpz-list.example", "TXT").answer[0][0].strings, (b"from the policy zone",))
        self.assertEqual(ask("local.rpz-list.example", "MX").answer, [])

    def test_drop_and_tcp_only(self):
        import dns.exception
        with self.assertRaises(dns.exception.Timeout):
            self.postern.ask("drop.rpz-list.example", timeout=0.5)
        answer = self.postern.ask("tcp.rpz-list.example")
        self.assertTrue(answer.flags & dns.flags.TC)
        self.assertFalse(self.postern.ask("tcp.rpz-list.example", tcp=True).flags & dns.flags.TC)

    def test_a_log_only_feed_blocks_nothing_but_is_seen(self):
        self.assertEqual(addresses(self.postern.ask("watched.localhost")), ["127.0.0.1"])
        rows = self.postern.logged("watched.localhost")
        self.assertEqual(rows[0]["disposition"], "observed")
        self.assertEqual(rows[0]["zone"], "watched")

    def test_groups_have_their_own_feeds_and_answer(self):
        kiosk = ["-b", "127.0.0.2"]
        self.assertIn("status: REFUSED", self.postern.dig(*kiosk, "exact.hosts-list.example"))
        self.assertNotIn("EDE: 16", self.postern.dig(*kiosk, "wild-list.example"))
        self.assertIn("EDE: 16", self.postern.dig("wild-list.example"))

    def test_a_client_without_edns_gets_no_option(self):
        answer = self.postern.ask("exact.hosts-list.example", edns=False)
        self.assertEqual(rcode(answer), "NXDOMAIN")
        self.assertEqual(answer.edns, -1)

    def test_the_clients_spelling_comes_back(self):
        self.assertIn("eXaCt.HoStS-list.EXAMPLE.", self.postern.dig("eXaCt.HoStS-list.EXAMPLE"))

    def test_a_blocked_query_is_found_in_the_journal_and_explained(self):
        answer = self.postern.ask("deep.wild-list.example", "HTTPS")
        text = ede(answer)[1]
        row = self.postern.logged("deep.wild-list.example")[0]
        self.assertIn(row["trace"], text)
        self.assertEqual((row["zone"], row["rule"], row["rule_line"], row["type"], row["disposition"]),
                         ("wild", "*.wild-list.example", 1, "HTTPS", "blocked"))
        by_trace = self.postern.api(f"/api/v1/queries?trace={row['trace']}")["rows"]
        self.assertEqual([r["name"] for r in by_trace], [row["name"]])
        self.assertIn("deep.wild-list.example", self.postern.cli("log", "--zone", "wild"))
        explained = self.postern.cli("explain", "deep.wild-list.example")
        self.assertRegex(explained, r"wild\W.*line 1")
        self.assertRegex(self.postern.cli("explain", "good.wild-list.example"), r"(?i)allowed")
        self.assertNotRegex(self.postern.cli("explain", "unrelated.example"), r"(?i)allowed")


if __name__ == "__main__":
    unittest.main()
