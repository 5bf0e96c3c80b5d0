"""Evidence packs and quarantine: by the commands, and a pack checked with openssl, zstd and sha256sum alone."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

POSTERN = os.environ["POSTERN_BINARY"]
SHELL = "inetpub/wwwroot/aspnet_client/shell.aspx"
ODD = b"inetpub/odd \xff name. "


def run(*words, code=0, **options):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **options)
    if code is not None and done.returncode != code:
        raise AssertionError(f"{words} ended with {done.returncode}:\n{done.stdout.decode()}{done.stderr.decode()}")
    return done.stdout


class Evidence(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.root = self.folder / "root"
        self.pack = self.folder / "pack"
        (self.root / SHELL).parent.mkdir(parents=True)
        (self.root / SHELL).write_bytes(b"<%@ Page Language=\"Jscript\" %>\r\n")
        (self.root / "inetpub/wwwroot/web.config").write_text("<a>\n<add path='shell.aspx'/></a>\n")
        with open(os.fsencode(self.root) + b"/" + ODD, "wb") as file:
            file.write(bytes(range(256)) * 5000)
        os.setxattr(self.root / SHELL, "user.Zone.Identifier", b"[ZoneTransfer]\r\nZoneId=3\r\n")
        os.chmod(self.root / SHELL, 0o640)
        os.utime(self.root / SHELL, ns=(1614643200_000000007, 1614643200_123456789))
        os.utime(self.root / "inetpub/wwwroot/aspnet_client", ns=(1614643201_000000001, 1614643202_000000009))

    def postern(self, *words, code=0):
        environment = dict(os.environ, HOME=str(self.folder))
        keys = ["--keys", self.folder / "keys"] if words[1] in ("create", "apply", "rollback") else []
        return run(POSTERN, *words, *keys, code=code, env=environment).decode()

    def create(self, *words, code=0):
        return self.postern("evidence", "create", self.root, *(words or ["inetpub"]), "--pack", self.pack,
                            "--case", "case 17", code=code)

    def records(self):
        lines = (self.pack / "manifest.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines[1:]]

    # What docs/reference/evidence-pack.md tells a third party to do, with its tools and without postern.
    def check_as_a_third_party(self):
        key = self.pack / "public-key.pem"

        def signed(file, signature):
            run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", file, "-sigfile", signature)

        signed(self.pack / "manifest.jsonl", self.pack / "manifest.sig")
        last = self.folder / "last-line"
        last.write_bytes(run("tail", "-n", "1", self.pack / "custody.log"))
        signed(last, self.pack / "custody.sig")
        previous = "0" * 64
        for line in (self.pack / "custody.log").read_bytes().splitlines(keepends=True):
            self.assertEqual(json.loads(line)["previous"], previous)
            previous = run("sha256sum", input=line).decode().split()[0]
        completed = [json.loads(line)["manifest_sha256"] for line in (self.pack / "custody.log").read_text().splitlines()
                     if json.loads(line)["event"] == "complete"]
        self.assertIn(run("sha256sum", self.pack / "manifest.jsonl").decode().split()[0], completed)
        wanted = {}
        for record in self.records():
            if "sha256" in record:
                wanted[record["sha256"]] = record["content_size"]
            for attribute in record.get("attributes", []):
                wanted[attribute["sha256"]] = attribute["size"]
        objects = {path.name.removesuffix(".zst"): path for path in self.pack.glob("objects/*/*")}
        self.assertEqual(set(objects), set(wanted))
        for sha256, path in objects.items():
            self.assertEqual(path.parent.name, sha256[:2])
            octets = run("zstd", "-dc", path)
            self.assertEqual(len(octets), wanted[sha256])
            self.assertEqual(run("sha256sum", input=octets).decode().split()[0], sha256)

    def test_a_third_party_verifies_a_pack_with_ordinary_tools(self):
        self.create()
        self.check_as_a_third_party()
        fingerprint = run("sha256sum", input=run("openssl", "pkey", "-pubin", "-in", self.pack / "public-key.pem",
                                                 "-outform", "DER")).decode().split()[0]
        self.assertIn(fingerprint, self.postern("evidence", "verify", self.pack))
        shell = next(record for record in self.records() if record["path"] == SHELL)
        self.assertEqual((shell["modified"], shell["mode"]), ("1614643200.123456789", "0640"))
        run("touch", "-d", "@" + shell["modified"], self.folder / "touched")
        self.assertEqual((self.folder / "touched").stat().st_mtime_ns, 1614643200_123456789)
        zone = next(one for one in shell["attributes"] if one["name"] == "user.Zone.Identifier")
        self.assertEqual(run("zstd", "-dc", next(self.pack.glob(f"objects/*/{zone['sha256']}.zst"))),
                         b"[ZoneTransfer]\r\nZoneId=3\r\n")
        odd = next(record for record in self.records() if "path_hex" in record)
        self.assertEqual(bytes.fromhex(odd["path_hex"]), ODD)
        with self.assertRaises(AssertionError):
            manifest = self.pack / "manifest.jsonl"
            manifest.write_bytes(manifest.read_bytes().replace(b"case 17", b"case 18"))
            self.check_as_a_third_party()

    def test_verify_says_what_is_wrong(self):
        self.create()
        self.assertIn("whole", self.postern("evidence", "verify", self.pack))
        report = json.loads(self.postern("evidence", "verify", self.pack, "--json"))
        self.assertEqual((report["whole"], report["case"], report["problems"]), (True, "case 17", []))
        self.postern("evidence", "verify", self.pack, "--key", self.folder / "keys/evidence-key.public.pem")
        run("openssl", "genpkey", "-algorithm", "ed25519", "-out", self.folder / "other.pem")
        run("openssl", "pkey", "-in", self.folder / "other.pem", "-pubout", "-out", self.folder / "other.pub")
        self.assertIn("not the expected key",
                      self.postern("evidence", "verify", self.pack, "--key", self.folder / "other.pub", code=1))
        shell = next(record for record in self.records() if record["path"] == SHELL)["sha256"]
        damaged = next(self.pack.glob(f"objects/*/{shell}.zst"))
        os.chmod(damaged, 0o600)
        damaged.write_bytes(damaged.read_bytes()[:-3])
        text = self.postern("evidence", "verify", self.pack, code=1)
        self.assertIn("NOT WHOLE", text)
        self.assertIn(shell, text)
        self.assertIn(SHELL, text)
        self.postern("evidence", "verify", self.folder / "none", code=2)

    def test_what_cannot_be_kept_is_said_and_the_tree_is_never_written(self):
        self.assertIn("not all kept: gone", self.create(SHELL, "gone", code=1))
        self.postern("evidence", "verify", self.pack)
        for place in ("root/pack", "root/inetpub/pack"):
            self.postern("evidence", "create", self.root, SHELL, "--pack", self.folder / place, code=2)
        self.assertEqual(sorted(path.name for path in self.root.iterdir()), ["inetpub"])
        self.create(code=2)  # The pack is whole already.
        self.postern("evidence", "create", self.root, "../x", "--pack", self.folder / "pack2", code=2)

    def test_restores_as_it_was(self):
        self.create()
        out = self.folder / "out"
        self.postern("evidence", "restore", self.pack, "--to", out)
        run("diff", "-r", self.root, out)
        for path in (SHELL, "inetpub/wwwroot/aspnet_client"):
            one, other = (self.root / path).stat(), (out / path).stat()
            self.assertEqual((one.st_mtime_ns, one.st_mode, one.st_uid), (other.st_mtime_ns, other.st_mode, other.st_uid))
        self.assertEqual(os.getxattr(out / SHELL, "user.Zone.Identifier"), b"[ZoneTransfer]\r\nZoneId=3\r\n")
        (out / SHELL).write_text("mine")
        self.postern("evidence", "restore", self.pack, SHELL, "--to", out, code=1)
        self.assertEqual((out / SHELL).read_text(), "mine")

    def test_a_killed_run_goes_on(self):
        for number in range(60):
            (self.root / f"inetpub/{number}.log").write_bytes(os.urandom(20000))
        environment = dict(os.environ, HOME=str(self.folder))
        words = [POSTERN, "evidence", "create", self.root, "inetpub", "--pack", self.pack, "--case", "case 17",
                 "--keys", self.folder / "keys"]
        with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 20
            while len(list(self.pack.glob("objects/*/*"))) < 5 and time.monotonic() < deadline:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
        self.assertIn("interrupted", self.postern("evidence", "verify", self.pack, code=1))
        self.assertIn("by an earlier run", self.create())
        self.postern("evidence", "verify", self.pack)
        self.check_as_a_third_party()

    def findings(self, complete=True, **more):
        file = self.folder / f"findings{len(list(self.folder.glob('findings*')))}.json"
        file.write_text(json.dumps({"root": str(self.root), "case": "case 17", "complete": complete,
                                    "items": [{"path": SHELL, "rule": "F-01", "why": "not one of Microsoft's", **more}]}))
        return file

    def test_quarantine_takes_and_puts_back(self):
        findings = self.findings()
        plan, quarantine = self.folder / "plan.json", self.folder / "quarantine"
        text = self.postern("quarantine", "plan", findings, "--out", plan)
        self.assertIn("F-01: not one of Microsoft's", text)
        self.assertIn("web.config, line 2, names it", text)
        words = ["quarantine", "apply", plan, "--pack", self.pack, "--to", quarantine]
        self.postern(*words, code=2)  # There is no pack yet.
        self.postern("evidence", "create", self.root, "--from", findings, "--pack", self.pack)
        before = (self.root / SHELL).stat()
        octets = (self.root / SHELL).read_bytes()
        above = (self.root / SHELL).parent.stat()
        self.assertIn("Nothing was changed", self.postern(*words))
        self.assertTrue((self.root / SHELL).exists())
        self.assertIn(f"taken: {SHELL}", self.postern(*words, "--yes"))
        self.assertFalse((self.root / SHELL).exists())
        self.assertIn("would be put back", self.postern("quarantine", "rollback", quarantine))
        self.postern("quarantine", "rollback", quarantine, "--yes")
        after = (self.root / SHELL).stat()
        self.assertEqual((self.root / SHELL).read_bytes(), octets)
        self.assertEqual((after.st_mtime_ns, after.st_mode, after.st_uid, after.st_gid),
                         (before.st_mtime_ns, before.st_mode, before.st_uid, before.st_gid))
        self.assertEqual((self.root / SHELL).parent.stat().st_mtime_ns, above.st_mtime_ns)
        self.assertEqual(os.getxattr(self.root / SHELL, "user.Zone.Identifier"), b"[ZoneTransfer]\r\nZoneId=3\r\n")
        text = self.postern("evidence", "verify", self.pack)
        self.assertIn("quarantined", text)
        self.assertIn("rolled back", text)
        self.check_as_a_third_party()

    def test_quarantine_refuses(self):
        plan, quarantine = self.folder / "plan.json", self.folder / "quarantine"
        words = ["quarantine", "apply", plan, "--pack", self.pack, "--to", quarantine, "--yes"]
        self.create()
        self.postern("quarantine", "plan", self.findings(complete=False), "--out", plan, code=1)
        self.postern(*words, code=2)
        plan.unlink()
        self.postern("quarantine", "plan", self.findings(sha256="0" * 64), "--out", plan, code=1)
        self.assertIn("left alone", self.postern(*words))
        plan.unlink()
        self.postern("quarantine", "plan", self.findings(), "--out", plan)
        (self.root / SHELL).write_text("changed")
        shutil.rmtree(quarantine, ignore_errors=True)
        report = json.loads(self.postern(*words, "--json", code=1))
        self.assertEqual(len(report["problems"]), 1)
        self.assertEqual(report["files"], [])
        self.assertEqual((self.root / SHELL).read_text(), "changed")
        self.postern("quarantine", "plan", self.findings(), "--out", self.root / "plan.json", code=2)
        self.assertEqual(sorted(path.name for path in self.root.iterdir()), ["inetpub"])


if __name__ == "__main__":
    unittest.main()
