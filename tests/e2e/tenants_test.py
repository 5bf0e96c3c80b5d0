"""Tenants: what their groups have of them, own lists before every list, and exceptions for a tenant."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import Postern, ede  # noqa: E402

CONFIG = {
    "policy": {"block": ["*.malware.example", "ads.example"], "allow": ["fine.example"]},
    "tenants": [{"name": "school", "allow": ["ads.example"], "block": ["*.games.example", "fine.example"],
                 "answer": "refused"},
                {"name": "clinic", "without": ["block"]}],
    "groups": [{"name": "pupils", "tenant": "school", "clients": ["127.0.0.2/32"], "block": ["chat.example"]},
               {"name": "teachers", "tenant": "school", "clients": ["127.0.0.3/32"], "allow": ["*.games.example"]},
               {"name": "ward", "tenant": "clinic", "clients": ["127.0.0.4/32"]}],
}


class Tenants(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postern = Postern(CONFIG).start()
        cls.addClassCleanup(cls.postern.__exit__, None, None, None)

    def verdict(self, client, name):
        """"exceptions", the name of the list that blocks, or "" where it is not blocked."""
        text = self.postern.dig("-b", client, name)
        found = [line for line in text.splitlines() if "EDE: 15" in line]
        if not found:
            return ""
        return next((word for word in ("exceptions", "block") if f" {word}" in found[0]), found[0])

    def test_each_has_its_own_verdicts_over_the_same_lists(self):
        for client, name, want in [
                ("127.0.0.1", "ads.example", "block"), ("127.0.0.2", "ads.example", ""),
                ("127.0.0.4", "ads.example", ""), ("127.0.0.1", "x.games.example", ""),
                ("127.0.0.2", "x.games.example", "exceptions"), ("127.0.0.3", "x.games.example", ""),
                ("127.0.0.2", "chat.example", "exceptions"), ("127.0.0.3", "chat.example", ""),
                # A tenant's list stands before policy.allow.
                ("127.0.0.2", "fine.example", "exceptions"), ("127.0.0.1", "fine.example", ""),
                ("127.0.0.2", "malware.example", "block"), ("127.0.0.4", "malware.example", "")]:
            with self.subTest(client=client, name=name):
                self.assertEqual(self.verdict(client, name), want)

    def test_blocks_are_answered_as_the_tenant_says(self):
        self.assertIn("status: REFUSED", self.postern.dig("-b", "127.0.0.2", "x.games.example"))
        self.assertIn("status: REFUSED", self.postern.dig("-b", "127.0.0.2", "malware.example"))
        self.assertIn("status: NXDOMAIN", self.postern.dig("-b", "127.0.0.1", "malware.example"))

    def test_explained(self):
        text = self.postern.cli("explain", "x.games.example", "--client", "127.0.0.2")
        self.assertIn('of the tenant "school"', text)
        self.assertIn("A list of the configuration: block *.games.example for tenant school", text)
        # Own lists are not among those that people made.
        self.assertNotIn("games.example", self.postern.cli("exception", "list"))

    def test_an_exception_for_a_tenant(self):
        self.postern.cli("block", "tool.example", "--for", "1h", "--tenant", "school", "--reason", "a test")
        self.assertEqual([self.verdict(f"127.0.0.{n}", "tool.example") for n in (1, 2, 3, 4)],
                         ["", "exceptions", "exceptions", ""])
        self.assertEqual(self.postern.run("block", "tool.example", "--for", "1h", "--tenant", "none", "--reason",
                                          "a test").returncode, 2)

    def test_a_reload_brings_other_lists_into_force(self):
        with Postern({"groups": [{"name": "default", "block": ["a.example"]}]}) as postern:
            self.assertIn("exceptions", ede(postern.ask("a.example"))[1])
            postern.config["groups"] = [{"name": "default", "block": ["b.example"]}]
            postern.write_config()
            postern.cli("reload")
            self.assertIn("exceptions", ede(postern.ask("b.example"))[1])
            self.assertNotEqual((ede(postern.ask("a.example")) or (0,))[0], 15)


if __name__ == "__main__":
    unittest.main()
