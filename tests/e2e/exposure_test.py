"""`postern exposure` against a real BIND with domains of every kind: by recursion of its own, through a running Postern, and
through BIND itself; what is true of each is in tests/support/mail_internet.py."""
import csv
import io
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mail_internet  # noqa: E402
from mail_internet import DOMAINS, MailInternet  # noqa: E402
from postern_process import BINARY, Postern  # noqa: E402

TIMEOUT = 120


class Exposure(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-exposure-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        (cls.folder / "internet").mkdir()
        try:
            cls.net = MailInternet(cls.folder / "internet")
        except mail_internet.Skipped as reason:
            print(f"SKIPPED: the internet of mail: {reason}", flush=True)
            raise unittest.SkipTest(f"the internet of mail: {reason}") from None
        cls.addClassCleanup(cls.net.close)
        cls.config = cls.folder / "postern.yaml"
        cls.config.write_text(yaml.safe_dump({"resolver": cls.net.config()}))
        cls.list = cls.folder / "vendors.csv"
        cls.list.write_text("Vendor,Domain,Owner\n" + "".join(
            f'"{name.split(".")[0]}, Inc",{name},=cmd()\n' for name in DOMAINS), encoding="utf-8")

    def run_exposure(self, *words, config=True):
        asked = ["-c", str(self.config)] if config else []
        return subprocess.run([BINARY, "exposure", *asked, *map(str, words)], capture_output=True, text=True,
                              timeout=TIMEOUT, check=False)

    def report(self, *words, config=True):
        done = self.run_exposure("--json", *words, config=config)
        self.assertIn(done.returncode, (0, 1, 2), done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["exit_code"], done.returncode)
        return {entry["domain"]: entry for entry in report["domains"]}, report

    def check_truth(self, found):
        self.assertEqual(set(found), set(DOMAINS))
        for name, (kind, behind, exposure, _) in DOMAINS.items():
            with self.subTest(name):
                entry = found[name]
                self.assertEqual((entry["class"], entry.get("behind"), entry["exposure"]), (kind, behind, exposure),
                                 entry["because"])

    def test_recursion_of_its_own_finds_what_is_true(self):
        self.assertGreaterEqual(len(DOMAINS), 30)
        found, report = self.report("--file", self.list, "--no-state", "--timeout", "3s")
        self.check_truth(found)
        self.assertEqual(report["resolver"], "recursion")
        self.assertEqual(report["exit_code"], 2)  # Two domains cannot be asked.
        for name in ("dead.example", "lame.example"):
            self.assertFalse(found[name]["complete"])
            self.assertRegex(found[name]["because"][0], "^not known because SERVFAIL")
        self.assertEqual(found["onprem.example"]["columns"]["Vendor"], "onprem, Inc")
        self.assertEqual(self.net.visitors(), [])

    def test_a_running_postern_gives_the_same(self):
        with Postern({"resolver": self.net.config()}) as postern:
            found, report = self.report("--file", self.list, "--no-state", "--resolver", f"udp://127.0.0.1:{postern.port}",
                                        "--timeout", "6s", config=False)
        self.check_truth(found)
        self.assertTrue(report["resolver"].startswith("udp://127.0.0.1:"))

    def test_what_the_running_posterns_policy_blocks_is_not_known(self):
        config = {"resolver": self.net.config(), "policy": {"block": ["*.onprem.example", "onprem.example"]}}
        with Postern(config) as postern:
            found, report = self.report("onprem.example", "google.example", "--no-state", "--resolver",
                                        f"127.0.0.1:{postern.port}", config=False)
        self.assertEqual(found["onprem.example"]["class"], "unknown")
        self.assertIn("the resolver did not pass on the owner's answer (Blocked)", found["onprem.example"]["because"][0])
        self.assertEqual(found["google.example"]["class"], "google-workspace")
        self.assertEqual(report["exit_code"], 2)

    def test_bind_can_be_asked_too(self):
        # It follows no alias into another zone, as it does not recurse.
        names = [name for name in DOMAINS if name not in ("dead.example", "lame.example", "circle.example", "hosted.example")]
        found, _ = self.report(*names, "--no-state", "--resolver", f"udp://{self.net.prefix}1:53", config=False)
        for name in names:
            with self.subTest(name):
                self.assertEqual((found[name]["class"], found[name]["exposure"]), (DOMAINS[name][0], DOMAINS[name][2]))

    def test_every_record_is_named_with_its_rule(self):
        found, _ = self.report("cloud.example", "--no-state")
        records = {(r["rule"], r["name"], r["type"], r["data"]): r for r in found["cloud.example"]["records"]}
        mx = records["m365-mx", "cloud.example", "MX", "0 x.mail.protection.outlook.com."]
        self.assertEqual((mx["weight"], mx["looks_at"]), (95, "mx"))
        self.assertIn(mx["ttl"], range(61))
        self.assertIn(("m365-autodiscover", "autodiscover.cloud.example", "CNAME", "autodiscover.outlook.com."), records)
        self.assertIn("m365-dkim", {key[0] for key in records})
        self.assertIn("m365-spf", {key[0] for key in records})

    def test_hostile_zones_are_bounded_and_harmless(self):
        done = self.run_exposure("hostile.example", "bomb.example", "--no-state", "--records")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("\x1b", done.stdout)
        self.assertIn("records were too many to look at", done.stdout)
        self.assertIn("more than 10 look-ups", done.stdout)
        found, _ = self.report("bomb.example", "--no-state")
        self.assertLess(found["bomb.example"]["questions"], 200)

    def test_exit_codes(self):
        self.assertEqual(self.run_exposure("cloud.example", "--no-state").returncode, 0)
        self.assertEqual(self.run_exposure("onprem.example", "--no-state").returncode, 1)
        self.assertEqual(self.run_exposure("dead.example", "--no-state", "--timeout", "1s").returncode, 2)
        for words in ([], ["--since", "yesterday", "a.example"], ["--in-flight", "0", "a.example"],
                      ["--since", "last", "--no-state", "a.example"], ["--timeout", "soon", "a.example"]):
            done = self.run_exposure(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("--help", done.stderr)

    def test_internationalised_names_and_ways_to_write_them(self):
        found, _ = self.report("Bücher.example", "https://www.cloud.example/contact", "info@GOOGLE.example.", "--no-state")
        self.assertEqual(set(found), {"xn--bcher-kva.example", "cloud.example", "google.example"})

    def test_bad_lines_are_named_and_left_out(self):
        bad = self.folder / "bad.csv"
        bad.write_bytes(b"\xef\xbb\xbfVendor;Domain\r\nA;cloud.example\r\nB;not a domain\r\nC;\r\nD;cloud.example\r\n\"E;x.example\r\n")
        done = self.run_exposure("--file", bad, "--no-state")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn('line 3 was left out: "not a domain" has characters that no domain has', done.stdout)
        self.assertIn("line 6 was left out: a quotation mark is not closed", done.stdout)
        self.assertIn("line 4: has no domain", done.stdout)
        self.assertIn("line 5: cloud.example stands in line 2, too", done.stdout)
        self.assertIn("cloud.example", done.stdout)

    def test_csv_has_the_lists_own_columns_and_no_formula(self):
        out = self.folder / "report.csv"
        small = self.folder / "small.csv"
        small.write_text("Vendor,Domain,Owner\n\"=1+1\",onprem.example,@SUM(A1)\nB,null.example,b\n")
        self.run_exposure("--file", small, "--no-state", "--csv", out)
        rows = list(csv.DictReader(io.StringIO(out.read_text())))
        self.assertEqual([row["domain"] for row in rows], ["onprem.example", "null.example"])
        self.assertEqual((rows[0]["Vendor"], rows[0]["Owner"]), ("'=1+1", "'@SUM(A1)"))
        self.assertEqual((rows[0]["class"], rows[0]["exposure"]), ("on-premises", "likely"))
        self.assertEqual(rows[1]["class"], "no-mail")

    def test_a_pack_of_ones_own(self):
        pack = self.folder / "mine.rules"
        pack.write_text('pack mine 2026-11-22\nprovider msp vendor-exchange "Our MSP"\nrule msp-mx msp\n  on mx\n'
                        '  match .msp.example\n  weight 90\n  means "the MSP takes the mail"\n')
        found, report = self.report("hosted.example", "--no-state", "--data", pack)
        self.assertEqual(found["hosted.example"]["provider"], "Our MSP")
        self.assertEqual(report["packs"][1], "mine 2026-11-22")
        pack.write_text("pack mine 1\nnonsense\n")
        done = self.run_exposure("hosted.example", "--no-state", "--data", pack)
        self.assertEqual(done.returncode, 2)
        self.assertIn("mine.rules:2: nonsense is no statement", done.stderr)

    def test_a_budget_ends_it_and_says_so(self):
        began = time.monotonic()
        found, report = self.report("dead.example", "cloud.example", "--no-state", "--budget", "1s", "--timeout", "2s")
        self.assertLess(time.monotonic() - began, 15)
        self.assertFalse(report["complete"])
        self.assertEqual(found["dead.example"]["class"], "unknown")

    def test_interrupted_it_reports_what_there_is(self):
        process = subprocess.Popen([BINARY, "exposure", "-c", str(self.config), "--json", "--no-state", "dead.example",
                                    "cloud.example", "--timeout", "5s"], stdout=subprocess.PIPE, text=True)
        time.sleep(1)  # Until it waits for the dead one; sooner is right, too.
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 2)
        self.assertEqual(len(json.loads(out)["domains"]), 2)


class Drift(unittest.TestCase):
    def test_what_changed_since_the_last_run(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-drift-"))
        self.addCleanup(shutil.rmtree, folder, True)
        (folder / "internet").mkdir()
        try:
            net = MailInternet(folder / "internet")
        except mail_internet.Skipped as reason:
            print(f"SKIPPED: the internet of mail: {reason}", flush=True)
            raise unittest.SkipTest(f"the internet of mail: {reason}") from None
        self.addCleanup(net.close)
        (folder / "postern.yaml").write_text(yaml.safe_dump({"resolver": net.config()}))
        vendors, state = folder / "vendors.csv", folder / "state.sqlite"

        def run(*names, since=True, expect=None):
            vendors.write_text("domain\n" + "".join(name + "\n" for name in names))
            words = [BINARY, "exposure", "-c", str(folder / "postern.yaml"), "--json", "--file", str(vendors), "--state",
                     str(state), "--timeout", "2s", *(["--since", "last"] if since else [])]
            done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT, check=False)
            if expect is not None:
                self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
            return {entry["domain"]: entry for entry in json.loads(done.stdout)["domains"]}

        first = run("cloud.example", "onprem.example", expect=1)
        self.assertEqual({entry["drift"]["change"] for entry in first.values()}, {"new"})
        self.assertEqual(os.stat(state).st_mode & 0o777, 0o600)
        # Nothing changed: nothing is shown, and no finding, though one is exposed.
        self.assertEqual(run("cloud.example", "onprem.example", expect=0), {})
        self.assertEqual(run("cloud.example", "onprem.example", since=False, expect=1)["onprem.example"]["drift"]["change"], "same")

        net.set_zone("cloud.example", mail_internet.CLOUD_MX + mail_internet.OWN_CLIENTS)
        changed = run("cloud.example", "zoho.example", expect=1)
        drift = changed["cloud.example"]["drift"]
        self.assertEqual((drift["change"], drift["before"]["class"], changed["cloud.example"]["class"]),
                         ("changed", "exchange-online", "hybrid"))
        self.assertIn("autodiscover.cloud.example A 203.0.113.26", drift["added"])
        self.assertIn("autodiscover.cloud.example CNAME autodiscover.outlook.com.", drift["removed"])
        self.assertEqual(changed["zoho.example"]["drift"]["change"], "new")
        self.assertEqual(changed["onprem.example"]["drift"]["change"], "gone")
        self.assertEqual(changed["onprem.example"]["drift"]["before"]["class"], "on-premises")

        # A server that is down changes nothing of what is known.
        net.close()
        down = run("cloud.example", "zoho.example", expect=2)
        self.assertEqual({entry["drift"]["change"] for entry in down.values()}, {"not-known"})
        self.assertEqual(down["cloud.example"]["drift"]["removed"], [])
        kept = sqlite3.connect(state).execute("SELECT snapshot FROM domains WHERE name='cloud.example'").fetchone()[0]
        self.assertIn(b"hybrid", kept)


if __name__ == "__main__":
    unittest.main()
