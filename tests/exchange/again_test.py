"""`postern sweep` again and again: what is new, changed, gone and still there; ended by kill -9 at any moment; on full and
read-only disks; two at once."""
import csv
import io
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scratch  # noqa: E402
import server  # noqa: E402

BINARY = os.environ.get("POSTERN_BINARY")
KILLS = 20
SHELL = '<%@ Page Language="JScript" %><% eval(Request["made-for-tests"]); %>'


def command(folder, *more, data=None):
    return [BINARY, "sweep", "--json", "--data", str(data or folder / "data"), *map(str, more), str(folder / "evidence")]


def sweep(folder, *more, status, data=None, **how):
    done = subprocess.run(command(folder, *more, data=data), capture_output=True, text=True, timeout=300, **how)
    assert done.returncode == status, (done.returncode, done.stderr)
    return json.loads(done.stdout), done.stderr


def findings(report):
    return [found for one in report["servers"] for found in one["findings"]]


def what_is_said(report):
    """All but what differs between two sweeps of one tree."""
    return {key: value for key, value in report.items() if key not in ("case", "began", "ended", "files_unchanged", "octets")}


def by_change(report, change):
    return [found for found in findings(report) if found["since"] == change]


@unittest.skipUnless(BINARY, "no binary is named by POSTERN_BINARY")
class Tree(unittest.TestCase):
    scenario, days, mbytes = "proxylogon", 2, None

    def setUp(self):
        self.folder = scratch.folder("again")
        self.addCleanup(shutil.rmtree, self.folder)
        self.truth = server.generate(self.folder, 5, self.scenario, days=self.days, mbytes=self.mbytes)
        self.evidence = self.folder / "evidence"
        subprocess.run([BINARY, "sweep", "import", "--data", self.folder / "data", self.folder / "known-good.csv.gz",
                        self.folder / "known-good-builds.csv"], check=True, stdout=subprocess.DEVNULL, timeout=60)


class Since(Tree):
    def last(self, *more, status):
        return sweep(self.folder, "--since", "last", *more, status=status)[0]

    def test_new_changed_gone_and_still_there(self):
        first = self.last(status=1)
        self.assertTrue(first["servers"][0]["since"]["is_first"])
        self.assertEqual({found["since"] for found in findings(first)}, {"new"})

        second = self.last(status=0)
        self.assertEqual({found["since"] for found in findings(second)}, {"still there"})
        self.assertEqual(second["servers"][0]["since"]["case"], first["case"])
        self.assertEqual([found["first_found"] for found in findings(second)], [first["ended"]] * len(findings(first)))
        self.assertEqual(second["servers"][0]["verdict"], first["servers"][0]["verdict"])
        self.assertEqual(second["changed_files"][0]["new"] + second["changed_files"][0]["gone"], 0)

        # A log is rotated away, another one packed, a page planted, and one of those that were there changed.
        rows = [found for found in findings(second) if found["place"]["line"] and found["place"]["path"].endswith(".LOG")
                and found["tier"] == "exploited"]
        lost = rows[0]["place"]["path"]
        (self.evidence / lost).unlink()
        packed = next(found["place"]["path"] for found in findings(second) if found["place"]["path"].endswith(".log")
                      and found["place"]["line"])
        with zipfile.ZipFile(self.evidence / (packed + ".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(self.evidence / packed, pathlib.Path(packed).name)
        (self.evidence / packed).unlink()
        planted = next(self.evidence.rglob("aspnet_client")) / "system_web"
        planted.mkdir(exist_ok=True)
        (planted / "again.aspx").write_text(SHELL)
        shell = next(self.evidence / found["place"]["path"] for found in findings(second)
                     if found["rule"] == "F-06" and found["place"]["path"].endswith(".aspx"))
        shell.write_bytes(shell.read_bytes() + b"<!-- more -->")
        html, table = self.folder / "r.html", self.folder / "r.csv"
        third = self.last("--html", html, "--csv", table, status=1)
        self.assertEqual({found["place"]["path"].rpartition("/")[2] for found in by_change(third, "new")}, {"again.aspx"})
        gone = by_change(third, "gone")
        self.assertIn(lost, {found["place"]["path"] for found in gone})
        for found in gone:
            if found["place"]["path"] == lost and found["rule"] != "PL-08":
                self.assertEqual(found["why"], "its log is no longer there")
        self.assertFalse([found for found in gone if found["place"]["path"] == packed], "the row is in another file by now")
        self.assertIn(str(shell.relative_to(self.evidence)), {found["place"]["path"] for found in by_change(third, "changed")})
        self.assertEqual(third["servers"][0]["verdict"]["outcome"], "compromised")
        self.assertIn("no longer there", " ".join(third["servers"][0]["verdict"]["because"]))
        named = {one["path"]: one["since"] for one in third["changed_files"][0]["named"]}
        self.assertEqual(named[lost], "gone")
        self.assertEqual(named[str((planted / "again.aspx").relative_to(self.evidence))], "new")
        self.assertEqual(named[str(shell.relative_to(self.evidence))], "changed")
        self.assertIn("gone: its log is no longer there", html.read_text())
        rows = list(csv.DictReader(io.StringIO(table.read_text())))
        self.assertEqual({row["since"] for row in rows}, {found["since"] for found in findings(third)})

        # What was gone is remembered, and no news; and so it is behind a sweep that nobody asked to compare.
        sweep(self.folder, status=1)
        fourth = self.last(status=0)
        self.assertEqual(by_change(fourth, "gone"), [])
        self.assertEqual({found["place"]["path"] for found in by_change(fourth, "gone before")},
                         {found["place"]["path"] for found in gone})

    def test_all_logs_deleted_makes_nobody_clean(self):
        self.last(status=1)
        for path in list(self.evidence.rglob("*")):
            if path.is_file() and path.suffix.lower() in (".log", ".evtx", ".aspx", ".compiled"):
                path.unlink()
        after = self.last(status=0)
        self.assertEqual(after["servers"][0]["verdict"]["outcome"], "compromised")
        self.assertTrue(by_change(after, "gone"))

    def test_a_row_that_vanishes_from_a_log_that_stays_is_told(self):
        first = self.last(status=1)
        found = next(found for found in findings(first) if found["place"]["line"] and found["rule"] == "PL-01"
                     and found["tier"] == "exploited")
        log = self.evidence / found["place"]["path"]
        lines = log.read_bytes().split(b"\n")
        lines[found["place"]["line"] - 1] = lines[found["place"]["line"] - 2]
        log.write_bytes(b"\n".join(lines))
        second = self.last(status=1)
        self.assertIn("its log is there, without it", {found["why"] for found in by_change(second, "gone")})

    def test_other_rules_are_said(self):
        self.last(status=1)
        rule = self.folder / "one.yar"
        rule.write_text('rule made_for_tests { strings: $a = "made-for-tests" condition: $a }')
        subprocess.run([BINARY, "sweep", "import", "--data", self.folder / "data", rule], check=True, stdout=subprocess.DEVNULL)
        after = self.last(status=1)
        self.assertFalse(after["servers"][0]["since"]["same_rules"])
        self.assertEqual({found["rule"] for found in by_change(after, "new")}, {"yara:made_for_tests"})

    def test_a_killed_sweep_is_not_the_last_one(self):
        first = self.last(status=1)
        planted = next(self.evidence.rglob("aspnet_client")) / "again.aspx"
        planted.write_text(SHELL)
        end_by_kill(self.folder, random.Random(3), 0.3)
        after = self.last(status=1)
        self.assertEqual(after["servers"][0]["since"]["case"], first["case"])
        self.assertEqual({found["place"]["path"] for found in by_change(after, "new")}, {str(planted.relative_to(self.evidence))})

    def test_what_is_wrong_with_the_command_line_is_said(self):
        for words in (["--since", "yesterday"], ["--since", "last", "--no-state"], ["--own", "a b"]):
            done = subprocess.run(command(self.folder, *words), capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(words[0], done.stderr)


def end_by_kill(folder, rng, seconds, data=None):
    """Runs a sweep and kills it. Stopped for a second at a random moment, it writes down what it has as soon as it goes on, so
    that there is something to go on from. Gives the files that were written down; nothing where it came to its end."""
    process = subprocess.Popen(command(folder, "--threads", "1", data=data), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        # The moment is the test's subject: it is drawn over a sweep.
        time.sleep(rng.uniform(0, seconds * 0.7))
        if process.poll() is not None:
            return None
        process.send_signal(signal.SIGSTOP)
        # What is older than a second is written down.
        time.sleep(1.05)
        process.send_signal(signal.SIGCONT)
        time.sleep(rng.uniform(0, seconds / 8))
    finally:
        process.kill()
        status = process.wait()
    if status != -signal.SIGKILL:
        return None
    path = (data or folder / "data") / "sweep.sqlite"
    if not path.exists() or path.stat().st_size == 0:
        return 0
    with sqlite3.connect(path) as state:
        assert state.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = {name for (name,) in state.execute("SELECT name FROM sqlite_master")}
        if "files" not in tables:
            return 0
        return state.execute("SELECT count(*) FROM files WHERE length(findings) > 0").fetchone()[0]


class Eval(Tree):
    def test_a_generated_server_is_measured(self):
        done = subprocess.run([BINARY, "sweep", "eval", "--json", "--data", self.folder / "data", self.folder], capture_output=True,
                              text=True, timeout=120)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        (part,) = json.loads(done.stdout)["parts"]
        wanted = sum(1 for one in self.truth["servers"] for plant in one["planted"]
                     if plant["rules"] and plant["tier"] in ("attempt", "exploited"))
        self.assertEqual(part["malicious"], wanted)
        self.assertEqual(part["false_alarms"], [])
        share, low, high = part["recall"]
        self.assertTrue(0.9 < low < share < high <= 1, part["recall"])
        self.assertEqual([missed for missed in part["missed"] if not missed["rules"]], [], "all are hinted at, at least")

    def test_what_has_no_labels_is_said(self):
        (self.folder / "none").mkdir()
        done = subprocess.run([BINARY, "sweep", "eval", self.folder / "none"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no labelled files", done.stderr)


class Killed(Tree):
    mbytes = 60

    def test_it_goes_on_and_says_the_same(self):
        began = time.monotonic()
        whole = sweep(self.folder, "--threads", "1", status=1)[0]
        seconds = time.monotonic() - began
        shutil.copytree(self.folder / "data", self.folder / "fresh", ignore=shutil.ignore_patterns("sweep.sqlite*"))
        rng, killed, resumed, octets = random.Random(11), 0, 0, 0
        for _ in range(KILLS * 5):
            if killed == KILLS:
                break
            data = self.folder / "killed"
            shutil.copytree(self.folder / "fresh", data)
            kept = end_by_kill(self.folder, rng, seconds, data)
            if kept is not None:
                killed += 1
                resumed += kept > 0
                after = sweep(self.folder, status=1, data=data)[0]
                self.assertEqual(what_is_said(after), what_is_said(whole))
                self.assertGreaterEqual(after["files_unchanged"], kept, "a file that was done is not read again")
                octets += after["octets"]
            shutil.rmtree(data)
        print(f"killed {killed} times over {seconds:.1f} s, gone on from something {resumed} times", flush=True)
        self.assertEqual(killed, KILLS)
        self.assertGreater(resumed, KILLS // 4)
        self.assertLess(octets, killed * whole["octets"])


class Full(Tree):
    def limited(self, octets):
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (octets, octets))

    def test_a_state_that_finds_no_room_ends_no_sweep(self):
        whole = sweep(self.folder, "--no-state", status=1)[0]
        done, said = sweep(self.folder, status=2, preexec_fn=self.limited(64 << 10))
        self.assertEqual(what_is_said(done), what_is_said(whole))
        self.assertIn("the next sweep will not know of this one", said)
        # And with room again it is as if nothing had been.
        self.assertEqual(what_is_said(sweep(self.folder, status=1)[0]), what_is_said(whole))

    def test_a_report_that_finds_no_room_leaves_the_one_before(self):
        html = self.folder / "r.html"
        html.write_text("yesterday's")
        for since in ([], ["--since", "last"]):
            _, said = sweep(self.folder, *since, "--no-state" if not since else "--threads=1", "--html", html, status=2,
                            preexec_fn=self.limited(4 << 10 if not since else 1 << 20))
            self.assertIn("r.html" if not since else "", said)
        self.assertEqual([path.name for path in self.folder.glob("*.new")], [])

    def test_standard_output_may_be_full(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run(command(self.folder), stdout=full, stderr=subprocess.PIPE, timeout=300)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"write the report", done.stderr)
        # Nobody got that report: the next one says again that all is new.
        again = sweep(self.folder, "--since", "last", status=1)[0]
        self.assertTrue(again["servers"][0]["since"]["is_first"])

    def mounted(self, options, words):
        """Runs a sweep with a data folder on a file system of its own, in a name space of its own."""
        place = self.folder / "mounted"
        place.mkdir(exist_ok=True)
        script = f'mount -t tmpfs -o {options} tmpfs "$0" && exec "$@"'
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, str(place), *command(self.folder, *words, data=place)],
                              capture_output=True, text=True, timeout=300)
        if "unshare" in done.stderr or "mount:" in done.stderr:
            self.skipTest(f"SKIPPED: no file system can be mounted here: {done.stderr.strip()}")
        return done

    def test_a_full_disk_beneath_the_state(self):
        done = self.mounted("size=512k", [])
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("the next sweep will not know of this one", done.stderr)
        self.assertEqual(json.loads(done.stdout)["outcome"], "compromised")

    def test_a_state_folder_that_nothing_can_be_written_to(self):
        done = self.mounted("ro", [])
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("--no-state", done.stderr)
        done = self.mounted("ro", ["--no-state"])
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_two_at_once_do_not_share_a_state(self):
        process = subprocess.Popen(command(self.folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            while process.poll() is None and not (self.folder / "data/sweep.sqlite-wal").exists():
                time.sleep(0.001)  # There is nothing to be told by when it has begun.
            process.send_signal(signal.SIGSTOP)
            other = subprocess.run(command(self.folder), capture_output=True, text=True, timeout=60)
        finally:
            process.send_signal(signal.SIGCONT)
            out, _ = process.communicate(timeout=300)
        self.assertEqual(process.returncode, 1)
        self.assertEqual((other.returncode, other.stdout), (2, ""))
        self.assertIn("in use by another sweep", other.stderr)
        # With a folder of its own it goes beside.
        other = sweep(self.folder, status=1, data=self.folder / "other")[0]
        self.assertEqual(other["outcome"], json.loads(out)["outcome"])


if __name__ == "__main__":
    unittest.main()
