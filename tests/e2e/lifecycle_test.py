"""Start, reload, stop, kill: what holds across them."""
import gzip
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import BINARY, Postern, ede, until  # noqa: E402


class Lifecycle(unittest.TestCase):
    def test_it_starts_blocks_and_ends_in_good_order_without_any_network(self):
        postern = Postern({"policy": {"block": ["bad.example"]}})
        began = time.monotonic()
        with postern:
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(ede(postern.ask("bad.example"))[0], 15)
            self.assertIn(f"127.0.0.1:{postern.port}", postern.log_text())

    def test_a_new_policy_acts_at_once_and_a_bad_configuration_changes_nothing(self):
        with Postern({"policy": {"block": ["one.example"]}}) as postern:
            self.assertEqual(ede(postern.ask("one.example"))[0], 15)
            postern.config["policy"]["block"] = ["two.example"]
            postern.write_config()
            postern.reload()
            until(lambda: (ede(postern.ask("two.example")) or (0,))[0] == 15, "the new list in force")
            self.assertNotEqual((ede(postern.ask("one.example")) or (0,))[0], 15)
            (postern.folder / "postern.yaml").write_text("policy:\n  blok: [three.example]\n")
            postern.reload()
            until(lambda: "blok" in postern.log_text(), "the mistake named in the log")
            self.assertIn("did you mean", postern.log_text())
            self.assertEqual(ede(postern.ask("two.example"))[0], 15)

    def test_a_reload_names_the_feeds_that_cannot_be_read(self):
        with Postern({"policy": {"block": ["one.example"]}}) as postern:
            done = postern.run("reload")
            self.assertEqual((done.returncode, done.stdout), (0, "The configuration was read again and is in force.\n"))
            postern.config["policy"]["block"] = ["two.example"]
            postern.config["feeds"] = [{"name": "local", "format": "domains", "path": str(postern.folder / "none.txt")}]
            postern.write_config()
            done = postern.run("reload")
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(f"feed local cannot be read: open {postern.folder}/none.txt: No such file", done.stdout)
            self.assertEqual(ede(postern.ask("two.example"))[0], 15, "the rest is in force when the command ends")
            (postern.folder / "none.txt").write_text("three.example\n")
            self.assertEqual(postern.run("reload").returncode, 0)
            self.assertEqual(ede(postern.ask("three.example"))[0], 15)

    def test_the_journal_survives_kill_9(self):
        postern = Postern({"policy": {"block": ["bad.example"]}}).start()
        try:
            for i in range(50):
                postern.ask(f"x{i}.bad.example" if i % 2 else "bad.example")
            postern.logged("bad.example", 50)
            postern.kill()
            postern.start()
            self.assertEqual(len(postern.logged("bad.example", 50)), 50)
            self.assertEqual(ede(postern.ask("bad.example"))[0], 15)
        finally:
            postern.__exit__(None, None, None)

    def test_the_control_socket_is_ours_alone(self):
        with Postern() as postern:
            mode = os.stat(postern.folder / "control.sock").st_mode & 0o777
            self.assertEqual(mode, 0o600)

    def test_a_port_in_use_is_named(self):
        with Postern() as first:
            second = Postern()
            second.port = first.port
            try:
                second.start(wait=False)
                self.assertEqual(second.process.wait(15), 1)
                self.assertIn(str(first.port), second.log_text())
                self.assertIn("in use", second.log_text().lower())
            finally:
                second.__exit__(ValueError, None, None)

    def test_the_systems_journal_is_told_no_token_and_another_can_be_made(self):
        postern = Postern()
        (postern.folder / "log").touch()
        status = os.stat(postern.folder / "log")
        os.environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
        self.addCleanup(os.environ.pop, "JOURNAL_STREAM")
        with postern:
            until(lambda: "makes a token" in postern.log_text(), "how to sign in")
            self.assertNotIn("pst_", postern.log_text())
            self.assertIn(f"postern token new -c {postern.folder}/postern.yaml", postern.log_text())
            first, second = (json.loads(postern.cli("token", "new", "--json"))["token"] for _ in range(2))
            self.assertEqual((self.status_with(postern, first), self.status_with(postern, second)), (401, 200))
            self.assertIn("makes another token", self.restarted(postern))
            self.assertEqual(self.status_with(postern, second), 200)
            self.assertNotIn("pst_", postern.log_text())

    @staticmethod
    def status_with(postern, token):
        request = urllib.request.Request(f"http://127.0.0.1:{postern.console_port}/api/v1/status",
                                         headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    @staticmethod
    def restarted(postern):
        """What the next start says."""
        before = len(postern.log_text())
        postern.stop()
        postern.start()
        until(lambda: "Ctrl-C" in postern.log_text()[before:], "the summary")
        return postern.log_text()[before:]

    @unittest.skipUnless(os.geteuid() == 0, "needs root, which has rights to lose")
    def test_root_says_at_once_what_it_will_not_read_again(self):
        postern = Postern()
        postern.write_config()
        path = postern.folder / "postern.yaml"
        os.chown(path, 65534, 65534)
        path.chmod(0o600)
        with postern:  # The file is written again, and keeps its owner and mode.
            self.assertIn(f"{path} cannot be read by root without its capabilities", postern.log_text())

    def test_without_ipv6_a_reload_asks_for_no_restart(self):
        if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode != 0:
            print("SKIPPED: no network namespace can be made here", flush=True)
            self.skipTest("no network namespace can be made here")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-test-"))
        self.addCleanup(shutil.rmtree, folder)
        config = folder / "c.yaml"
        config.write_text(f"state_dir: {folder}/s\nconsole: {{enabled: false}}\n"
                          "server: {workers: 1}\nresolver: {threads: 1}\n")
        log = folder / "log"
        # In a new namespace loopback is down, so that ::1 cannot be bound and 127.0.0.1 can.
        with open(log, "wb") as out:
            process = subprocess.Popen(["unshare", "-rn", BINARY, "serve", "-c", str(config)], stdout=out, stderr=out)
        try:
            until(lambda: "protects" in log.read_text(), "the start", 30)
            self.assertNotIn("[::1]", log.read_text())
            process.send_signal(signal.SIGHUP)
            until(lambda: "read again and in force" in log.read_text(), "the reload")
            self.assertNotIn("wait for a restart", log.read_text())
        finally:
            process.terminate()
            process.wait(10)

    def test_sigint_ends_it_too(self):
        postern = Postern().start()
        postern.process.send_signal(signal.SIGINT)
        self.assertEqual(postern.process.wait(10), 0)
        postern.__exit__(None, None, None)


class Check(unittest.TestCase):
    def test_ten_mistakes_are_named_with_place_and_advice(self):
        postern = Postern()
        path = postern.folder / "bad.yaml"
        path.write_text("""\
server:
  listen: ["127.0.0.1:99999"]
  workers: many
  udp_max_octets: 100
access:
  allow: [192.0.2.1/24]
policy:
  block_anser: nxdomain
  block_ttl_s: -1
  sinkhole: {ipv4: "2001:db8::1"}
feeds:
  - {name: Bad Name, format: hosts, path: /x}
  - {name: twice, format: hosts, path: /x, url: "https://h/x"}
  - {name: noformat, path: /x}
  - {name: ftp, format: hosts, url: "ftp://h/x"}
groups:
  - {name: g, clients: [10.0.0.0/8], feeds: [nosuch]}
""")
        done = subprocess.run([BINARY, "check", "-c", str(path)], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(str(path) + ":")]
        places = {int(line.split(":")[1]) for line in lines if line.split(":")[1].isdigit()}
        self.assertLessEqual({2, 3, 4, 6, 8, 9, 10, 12, 13, 14, 15, 17}, places, "\n".join(lines))
        self.assertTrue(any("did you mean" in line and "block_answer" in line for line in lines))

    def test_feeds_are_read_and_their_bad_lines_named(self):
        postern = Postern()
        (postern.folder / "list").write_text("good.example\nnot a name!\n" + "x" * 300 + "\n")
        (postern.folder / "c.yaml").write_text(
            f"feeds: [{{name: mine, format: domains, path: {postern.folder}/list}}]\nstate_dir: {postern.folder}/s\n")
        done = subprocess.run([BINARY, "check", "-c", str(postern.folder / "c.yaml")], capture_output=True, text=True,
                              timeout=20)
        text = done.stdout + done.stderr
        self.assertIn("list:2", text)
        self.assertIn("list:3", text)

    def test_packed_feeds_are_read_as_serve_reads_them_and_missing_ones_counted(self):
        postern = Postern()
        (postern.folder / "list.gz").write_bytes(gzip.compress(b"packed.example\n"))
        config = postern.folder / "c.yaml"
        feed = "{name: %s, format: domains, path: %s}"
        for names, status, says in ((["list.gz"], 0, "No mistake"), (["list.gz", "nowhere"], 1, "1 feed cannot")):
            feeds = ", ".join(feed % (f"f{i}", postern.folder / name) for i, name in enumerate(names))
            config.write_text(f"feeds: [{feeds}]\nstate_dir: {postern.folder}/s\n")
            done = subprocess.run([BINARY, "check", "-c", str(config)], capture_output=True, text=True, timeout=20)
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
            self.assertIn(says, done.stdout + done.stderr)

    def test_a_feed_that_cannot_be_read_is_named_with_its_place_and_what_to_do(self):
        postern = Postern()
        config = postern.folder / "c.yaml"
        for name, content, says in (
                ("nowhere", None, "No such file or directory; create the file, or correct the path"),
                ("page", b"<html><head></head></html>\n", "; correct the file, or the feed's format"),
                ("cut.gz", gzip.compress(b"a.example\n" * 9000)[:50], "; correct the file, or the feed's format"),
                (".", None, "is not a regular file; correct the file, or the feed's format")):
            with self.subTest(name):
                if content:
                    (postern.folder / name).write_bytes(content)
                config.write_text(f"state_dir: {postern.folder}/s\nfeeds:\n  - name: mine\n    format: domains\n"
                                  f"    path: {postern.folder}/{name}\n")
                done = subprocess.run([BINARY, "check", "-c", str(config)], capture_output=True, text=True, timeout=20)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn(f"{config}:5:11: feeds[0].path: ", done.stdout)
                self.assertIn(says, done.stdout)

    def test_what_serve_takes_is_no_mistake_and_what_is_no_longer_valid_no_rule(self):
        postern = Postern()
        (postern.folder / "emptied").write_text("# nothing for now\n")
        indicator = {"type": "indicator", "spec_version": "2.1", "pattern_type": "stix",
                     "created": "2020-01-01T00:00:00Z", "modified": "2020-01-01T00:00:00Z",
                     "valid_from": "2020-01-01T00:00:00Z"}
        objects = [dict(indicator, id=f"indicator--0000000{i}-0000-4000-8000-000000000000",
                        pattern=f"[domain-name:value = 'x{i}.example']", **more)
                   for i, more in enumerate(({}, {"valid_until": "2020-02-01T00:00:00Z"}))]
        (postern.folder / "bundle").write_text(json.dumps(
            {"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000", "objects": objects}))
        config = postern.folder / "c.yaml"
        config.write_text(f"state_dir: {postern.folder}/s\nfeeds:\n"
                          f"  - {{name: emptied, format: domains, path: {postern.folder}/emptied}}\n"
                          f"  - {{name: bundle, format: stix, path: {postern.folder}/bundle}}\n")
        done = subprocess.run([BINARY, "check", "-c", str(config)], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("feed emptied: 0 rules", done.stdout)
        self.assertIn("feed bundle: 1 rule, 0 lines skipped", done.stdout)


if __name__ == "__main__":
    unittest.main()
