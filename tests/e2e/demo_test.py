"""`make demo`: what it shows is what it says."""
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import BINARY, ROOT  # noqa: E402


class Demo(unittest.TestCase):
    def test_each_step_shows_what_its_title_says(self):
        done = subprocess.run([ROOT / "scripts/demo", BINARY], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stderr, "")
        steps = dict(step.split("\n", 1) for step in done.stdout.split("\n# ")[1:])
        told = [text for title, text in steps.items() if title.startswith("A name of the list")][0]
        for feed in ("my-hosts", "hafnium", "block"):
            self.assertIn(f"Blocked by feed {feed} ", told)
        changed = [text for title, text in steps.items() if title.startswith("A list that changes")][0]
        self.assertEqual(changed.count("another.example.org A: NXDOMAIN"), 2)
        self.assertIn("feed my-hosts cannot be read: open ", changed)
        self.assertIn("another.example.org", steps["What was blocked"])

    def test_a_server_that_does_not_start_is_said(self):
        done = subprocess.run([ROOT / "scripts/demo", "/bin/false"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("demo: the server did not start", done.stderr)


if __name__ == "__main__":
    unittest.main()
