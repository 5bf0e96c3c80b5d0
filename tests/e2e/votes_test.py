"""Lists that feeds vote on: what enough of them have is blocked, what one alone has is not, and explain says who voted."""
import json
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import Postern, rcode, until  # noqa: E402
from taxii_server import domain  # noqa: E402


class Votes(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-votes-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.write("a", "both.example\nalone.example\nknown.example\nall.example\n")
        self.write("b", "both.example\nknown.example\nall.example\n")
        self.write("popular", "*.known.example\n*.all.example\n")
        (self.folder / "c.json").write_text(json.dumps(domain(1, "all.example", confidence=90)))
        self.config = {
            "feeds": [{"name": name, "format": "wildcard", "path": str(self.folder / name)}
                      for name in ("a", "b", "popular")]
            + [{"name": "c", "format": "stix", "path": str(self.folder / "c.json")}],
            "votes": [{"name": "agreed", "feeds": ["a", "b", "c"], "doubt": {"feeds": ["popular"], "need": 3}}]}

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def blocked(self, postern, name):
        return rcode(postern.ask(name)) == "NXDOMAIN"

    def test_what_enough_feeds_have_is_blocked(self):
        with Postern(self.config) as postern:
            for name, want in [("both", True), ("alone", False), ("known", False), ("all", True), ("none", False)]:
                self.assertEqual(self.blocked(postern, name + ".example"), want, name)
            self.assertEqual(postern.feed("agreed")["rules"], 2)
            self.assertIn("2 of 3 votes (a (line 1), b (line 1)), 2 needed", postern.cli("explain", "both.example"))
            self.assertIn("1 of 3 votes (a (line 2)), 2 needed", postern.cli("explain", "alone.example"))
            self.assertIn("2 of 3 votes (a (line 3), b (line 2)), 3 needed of a name in doubt",
                          postern.cli("explain", "known.example"))
            # A voter changes: so does the result, and it is there at the next start.
            self.write("b", "alone.example\nx.example\n")
            until(lambda: self.blocked(postern, "alone.example"), "the vote")
            self.assertFalse(self.blocked(postern, "both.example"))
            postern.stop()
            postern.start()
            self.assertTrue(self.blocked(postern, "alone.example"))
            self.assertFalse(self.blocked(postern, "both.example"))
            # So do the rules of the vote.
            postern.config["votes"][0]["need"] = 1
            postern.write_config()
            postern.cli("reload")
            until(lambda: self.blocked(postern, "both.example"), "one vote to be enough")

    def test_many_names_are_counted_too(self):
        self.write("a", "".join(f"n{i}.example\n" for i in range(30_000)))
        self.write("b", "".join(f"n{i}.example\n" for i in range(20_000, 50_000)))
        with Postern(self.config) as postern:
            for number, want in [(0, False), (19_999, False), (20_000, True), (29_999, True), (30_000, False)]:
                self.assertEqual(self.blocked(postern, f"n{number}.example"), want, number)
            self.assertEqual(postern.feed("agreed")["rules"], 10_000)


if __name__ == "__main__":
    unittest.main()
