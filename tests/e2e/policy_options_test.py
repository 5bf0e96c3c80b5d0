"""What a feed leaves alone, what no list may block unless it is forced to, and what a client is told of a block."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import dns.edns
import dns.flags
import dns.message
import dns.query

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import BINARY, Postern, ede, rcode, until  # noqa: E402

RPZ = "$TTL 60\n@ SOA . . 1 60 60 60 60\nbad.example CNAME .\nquiet.example CNAME rpz-drop.\n"


class PolicyOptions(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-options-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def feed(self, name, text, **options):
        (self.folder / name).write_text(text)
        return {"name": name, "path": str(self.folder / name), "format": "wildcard", **options}

    def test_without_recursion_nothing_is_told(self):
        zone = self.feed("zone", RPZ, format="rpz", origin="rpz.test")
        with Postern({"feeds": [zone]}) as postern:
            self.assertEqual(rcode(postern.ask("bad.example")), "NXDOMAIN")
            for name in ("bad.example", "quiet.example", "fine.example"):
                answer = postern.ask(name, flags=0)
                self.assertEqual((rcode(answer), ede(answer)[0]), ("REFUSED", 20), name)
            postern.config["feeds"][0]["recursive_only"] = False
            postern.write_config()
            postern.cli("reload")
            self.assertEqual(rcode(postern.ask("bad.example", flags=0)), "NXDOMAIN")
            self.assertEqual(rcode(postern.ask("fine.example", flags=0)), "REFUSED")

    # Structured errors

    def wanting(self, postern, name, options, payload=1232):
        query = dns.message.make_query(name, "A", use_edns=0, options=options, payload=payload)
        return dns.query.udp(query, "127.0.0.1", port=postern.port, timeout=6)

    def test_who_asks_for_it_gets_the_reason_as_json(self):
        config = {"policy": {"block": ["bad.example"]},
                  "structured_error": {"contacts": ["mailto:help@example.org", "tel:+1-201-555-0123"],
                                       "organization": "Städtische Schule \"Nord\"", "option_code": 65280},
                  "feeds": [self.feed("phish", "phish.example\n", suberror="phishing", ede="filtered"),
                            self.feed("law", "law.example\n", ede="censored")]}
        empty_error = dns.edns.GenericOption(15, b"\0\0")
        with Postern(config) as postern:
            answer = self.wanting(postern, "bad.example", [empty_error])
            code, text = ede(answer)
            said = json.loads(text)
            self.assertEqual(code, 15)
            self.assertEqual({key: said[key] for key in "cso"},
                             {"c": ["mailto:help@example.org", "tel:+1-201-555-0123"], "s": 6,
                              "o": "Städtische Schule \"Nord\""})
            # Minified, and found again by its trace id.
            self.assertEqual(text, json.dumps(said, separators=(",", ":"), ensure_ascii=False))
            trace = said["j"].removeprefix("Blocked by feed block (trace ").removesuffix(")")
            self.assertEqual(len(trace), 8)
            self.assertEqual(postern.logged("bad.example")[0]["trace"], trace)
            code, text = ede(self.wanting(postern, "phish.example", [dns.edns.GenericOption(65280, b"")]))
            self.assertEqual((code, json.loads(text)["s"]), (17, 2))
            # Nobody else does; nor is there a form of it for what the law has blocked.
            for name, options in (("bad.example", []), ("law.example", [empty_error])):
                self.assertRegex(ede(self.wanting(postern, name, options))[1], r"^Blocked by feed \w+ \(trace \w{8}\)$")
            # What there is no room for is left out; nothing is truncated for it.
            small = self.wanting(postern, "bad.example", [empty_error], payload=512)
            self.assertFalse(small.flags & dns.flags.TC)
            # As people ask for it.
            self.assertIn('{"c":["mailto:help@example.org"', postern.dig("bad.example", "+ednsopt=15:0000").replace("\\", ""))
            if shutil.which("kdig"):
                said = subprocess.run(["kdig", "@127.0.0.1", "-p", str(postern.port), "bad.example", "+ednsopt=15:0000"],
                                      capture_output=True, text=True, timeout=30, check=False).stdout
                self.assertIn("mailto:help@example.org", said)
            # Neither contacts nor organisation are of interest to the log.
            self.assertNotIn("help@example.org", postern.log_text())
            del postern.config["structured_error"]
            postern.write_config()
            postern.cli("reload")
            self.assertRegex(ede(self.wanting(postern, "bad.example", [empty_error]))[1], r"^Blocked by feed block \(trace")

    # Lint

    def test_a_list_on_this_machine_blocks_nobodys_names(self):
        text = "bad.example\n*.com\nwww.own.example\n*.zip\n"
        config = {"gate": {"own_domains": ["own.example"]}, "feeds": [self.feed("local", text, force=["zip"])]}
        with Postern(config) as postern:
            self.assertEqual(rcode(postern.ask("bad.example")), "NXDOMAIN")
            self.assertEqual(rcode(postern.ask("other.zip")), "NXDOMAIN")
            for name in ("other.com", "www.own.example"):
                self.assertNotEqual(rcode(postern.ask(name)), "NXDOMAIN", name)
            feed = postern.feed("local")
            self.assertEqual((feed["rules"], feed["lines_skipped"]), (2, 2))
            self.assertIn("line 2: \"com\" is a public suffix", feed["first_skipped"])
            # What is meant is had.
            postern.config["feeds"][0]["force"] = ["zip", "com"]
            postern.write_config()
            postern.cli("reload")
            until(lambda: rcode(postern.ask("other.com")) == "NXDOMAIN", "the forced rule")
            self.assertIn("line 3: \"www.own.example\" is of your own domains", postern.feed("local")["first_skipped"])

    def test_a_list_in_the_file_says_how_to_force_it(self):
        (self.folder / "postern.yaml").write_text("policy:\n  block: [bad.example, '*.com']\n")

        def check():
            command = [BINARY, "check", "-c", str(self.folder / "postern.yaml"), "--state-dir", str(self.folder / "state")]
            return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False,
                                  env={**os.environ, "HOME": str(self.folder)})
        done = check()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("postern.yaml:2:24: policy.block[1]: \"*.com\" is a public suffix, which blocks everybody's names; "
                      "remove it, or if it is meant add the name to policy.force", done.stdout + done.stderr)
        (self.folder / "postern.yaml").write_text("policy:\n  block: [bad.example, '*.com']\n  force: [com]\n")
        self.assertEqual(check().returncode, 0)


if __name__ == "__main__":
    unittest.main()
