#!/usr/bin/env python3
"""Writes a synthetic Exchange server with the truth about it.

usage: make_server.py FOLDER --scenario NAME [--seed N] [--days N] [--mbytes N] [--files N]
       make_server.py --list
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import server  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", help="is made; evidence/, truth.json and known-good.csv.gz come into it")
    parser.add_argument("--scenario", choices=SCENARIOS, default="proxylogon")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, help="of logs; each scenario has its own number")
    parser.add_argument("--mbytes", type=int, help="about so many megabytes of web logs; by default what twelve people make")
    parser.add_argument("--files", type=int, default=0, help="so many files of no interest beside the others")
    parser.add_argument("--list", action="store_true", help="say what the scenarios are")
    wish = parser.parse_args()
    if wish.list:
        for name, scenario in SCENARIOS.items():
            print(f"{name:<16} {scenario.about}")
        return 0
    if not wish.folder or (pathlib.Path(wish.folder) / "evidence").exists():
        parser.error("a folder is needed that holds no evidence yet")
    truth = server.generate(wish.folder, wish.seed, wish.scenario, wish.days, wish.mbytes, wish.files)
    for one in truth["servers"]:
        print(f"{one['name']}: {one['verdict']}; {len(one['planted'])} planted, {len(one['lost'])} lost with rotated logs, "
              f"{len(one['benign'])} look-alikes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
