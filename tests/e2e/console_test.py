"""The console of the real server in headless Chromium: sign in, see what was blocked and why, search, explain."""
import pathlib
import shutil
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import ROOT, Postern  # noqa: E402

# A folder to keep pictures of every view in, if set.
PICTURES = sys.argv.pop() if len(sys.argv) > 1 and sys.argv[-1].startswith("/") else None


class Console(unittest.TestCase):
    def test_a_person_finds_what_was_blocked_and_why(self):
        if not shutil.which("chromium") or not (ROOT / "web/node_modules/playwright-core").exists():
            print("SKIPPED: no chromium, or the packages of web/ are not installed", flush=True)
            self.skipTest("no chromium, or the packages of web/ are not installed")
        with Postern({"policy": {"block": ["*.bad.example", "ads.example"]},
                      "feeds": [{"name": "partners", "format": "domains", "path": "/nowhere/partners"}]}) as postern:
            stop = threading.Event()

            def ask():
                number = 0
                while not stop.is_set():
                    number += 1
                    for name in (f"host{number % 7}.bad.example", "ads.example", "localhost", "printer.local"):
                        postern.ask(name)
                    stop.wait(0.2)

            thread = threading.Thread(target=ask)
            thread.start()
            try:
                postern.logged("ads.example")
                done = subprocess.run(["node", "tests/console.mjs", f"http://127.0.0.1:{postern.console_port}",
                                       postern.first_run_token(), *([PICTURES] if PICTURES else [])], cwd=ROOT / "web",
                                      capture_output=True, text=True, timeout=280, check=False)
            finally:
                stop.set()
                thread.join()
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
