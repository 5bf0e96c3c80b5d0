"""Exceptions: in force at once for names in the cache, for their clients, until they end; kept, audited, explained."""
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import Postern, addresses, ede, private_internet, rcode, recursing, until  # noqa: E402

GOOD = "www.signed.example"
BAD = "bad.malware.example"
CHAIN = "chain.signed.example"  # Leads to BAD.


class Exceptions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        private_internet(cls)
        cls.postern = Postern(recursing(cls.net, {
            "policy": {"block": ["*.malware.example"]},
            "groups": [{"name": "kids", "clients": ["127.0.0.2/32"]}, {"name": "staff", "clients": ["127.0.0.3/32"]}]}))
        cls.postern.start()
        cls.addClassCleanup(cls.postern.__exit__, None, None, None)

    def tearDown(self):
        for exception in self.held():
            self.postern.api(f"/api/v1/exceptions/{exception['id']}", "DELETE")

    def held(self):
        return self.postern.api("/api/v1/exceptions")["exceptions"]

    def make(self, *words):
        return json.loads(self.postern.cli(*words, "--json"))["exceptions"]

    def asked_by(self, client, name):
        """The response code that dig gets from this address."""
        text = self.postern.dig("-b", client, name)
        return text.split("status: ")[1].split(",")[0]

    def test_a_cached_name_changes_at_the_next_query(self):
        self.assertEqual(rcode(self.postern.ask(GOOD, timeout=8)), "NOERROR")
        began = time.monotonic()
        made = self.make("block", GOOD, "--for", "1h", "--reason", "a test")
        answer = self.postern.ask(GOOD)
        self.assertLess(time.monotonic() - began, 1)
        self.assertEqual(rcode(answer), "NXDOMAIN")
        self.assertEqual(ede(answer)[0], 15)
        self.assertIn("exceptions", ede(answer)[1])
        row = next(r for r in self.postern.logged(GOOD, 2) if r["disposition"] == "blocked")
        self.assertEqual((row["zone"], row["rule"], row["rule_line"]), ("exceptions", GOOD, made[0]["id"]))
        self.assertIn(row["trace"], ede(answer)[1])
        said = self.postern.cli("exception", "remove", str(made[0]["id"]))
        self.assertIn(GOOD, said)
        self.assertEqual(rcode(self.postern.ask(GOOD)), "NOERROR")

    def test_an_allowed_name_is_stronger_than_every_list_also_as_a_target(self):
        for name in (BAD, CHAIN):
            self.assertEqual(rcode(self.postern.ask(name, timeout=8)), "NXDOMAIN")
        self.make("allow", "*.malware.example", "--for", "30m", "--reason", "a test")
        self.assertTrue(addresses(self.postern.ask(BAD, timeout=8)))
        self.assertTrue(addresses(self.postern.ask(CHAIN, timeout=8)))

    def test_for_a_client_a_network_or_a_group_alone(self):
        self.make("block", GOOD, "--for", "1h", "--group", "kids", "--reason", "homework")
        self.assertEqual(self.asked_by("127.0.0.2", GOOD), "NXDOMAIN")
        self.assertEqual(self.asked_by("127.0.0.3", GOOD), "NOERROR")
        # A client is more specific than its group, whatever the names.
        self.make("allow", "*", "--for", "1h", "--client", "127.0.0.2", "--reason", "done with homework")
        self.assertEqual(self.asked_by("127.0.0.2", GOOD), "NOERROR")
        self.make("block", GOOD, "--for", "1h", "--client", "127.0.0.0/30", "--reason", "a test")
        self.assertEqual(self.asked_by("127.0.0.2", GOOD), "NOERROR")
        self.assertEqual(self.asked_by("127.0.0.3", GOOD), "NXDOMAIN")

    def test_ends_at_its_second(self):
        made = self.make("block", GOOD, "--for", "2s", "--reason", "a test")
        self.assertEqual(rcode(self.postern.ask(GOOD)), "NXDOMAIN")
        until(lambda: rcode(self.postern.ask(GOOD)) == "NOERROR", "the end of the exception", 5)
        self.assertEqual(self.held(), [])
        self.assertEqual(self.postern.run("exception", "remove", str(made[0]["id"])).returncode, 1)

    def test_explained_and_audited(self):
        self.make("allow", BAD, "--for", "1d", "--client", "127.0.0.2", "--reason", "ticket 4711")
        text = self.postern.cli("explain", BAD, "--client", "127.0.0.2")
        self.assertIn("allowed by exceptions", text)
        self.assertIn("ticket 4711", text)
        self.assertIn("(uid ", text)
        explanation = self.postern.api(f"/api/v1/explain?name={BAD}&client=127.0.0.2")
        self.assertEqual(explanation["exception"]["reason"], "ticket 4711")
        self.assertIsNone(self.postern.api(f"/api/v1/explain?name={BAD}&client=127.0.0.3")["exception"])
        self.assertIn("ticket 4711", self.postern.cli("exception", "list"))
        newest = self.postern.api("/api/v1/audit?limit=1")["entries"][0]
        self.assertEqual((newest["action"], newest["reason"]), ("exception added", "ticket 4711"))
        self.assertIn("uid", newest["actor"])
        self.assertIn("ticket 4711", self.postern.cli("audit"))

    def test_what_is_wrong_is_said(self):
        for words, says in [(("allow", GOOD, "--for", "1h"), "--reason is missing"),
                            (("allow", GOOD, "--reason", "r"), "--for is missing"),
                            (("allow", GOOD, "--for", "later", "--reason", "r"), "no length of time"),
                            (("allow", "http://x/", "--for", "1h", "--reason", "r"), "is a URL"),
                            (("allow", GOOD, "--for", "1h", "--group", "none", "--reason", "r"), "there is no group")]:
            with self.subTest(words=words):
                done = self.postern.run(*words)
                self.assertEqual(done.returncode, 2)
                self.assertIn(says, done.stderr)
        self.assertEqual(self.held(), [])


class Kept(unittest.TestCase):
    """Needs no internet."""

    def test_restored_before_the_first_answer_even_after_a_kill(self):
        with Postern() as postern:
            postern.cli("block", "a.example", "--for", "1h", "--reason", "a test")
            postern.kill()
            postern.start()
            answer = postern.ask("a.example")
            self.assertEqual(rcode(answer), "NXDOMAIN")
            self.assertIn("exceptions", ede(answer)[1])

    def test_a_reload_leaves_them_in_force(self):
        with Postern() as postern:
            postern.cli("block", "a.example", "--for", "1h", "--reason", "a test")
            postern.cli("reload")
            self.assertIn("exceptions", ede(postern.ask("a.example"))[1])

    def test_a_damaged_store_is_said_and_serving_goes_on(self):
        with Postern({"policy": {"block": ["bad.example"]}}) as postern:
            postern.cli("block", "a.example", "--for", "1h", "--reason", "a test")
            postern.stop()
            store = postern.folder / "state/state.sqlite"
            for beside in postern.folder.glob("state/state.sqlite-*"):
                beside.unlink()
            store.write_bytes(b"x" * 8192)
            postern.start()
            self.assertEqual(rcode(postern.ask("bad.example")), "NXDOMAIN")
            self.assertIn("state.sqlite", postern.log_text())
            done = postern.run("block", "a.example", "--for", "1h", "--reason", "a test")
            self.assertEqual(done.returncode, 1)
            self.assertIn("state.sqlite", done.stderr)
            self.assertEqual(store.read_bytes(), b"x" * 8192, "left as it was, to be mended")

    def test_the_file_is_its_owners_alone(self):
        with Postern() as postern:
            mode = (postern.folder / "state/state.sqlite").stat().st_mode
            self.assertEqual(mode & 0o077, 0)


if __name__ == "__main__":
    unittest.main()
