"""The truth against the conditions of the reference, written down a second time and as plainly as can be: on the rows of
the generated logs, each condition holds where the truth says so, and nowhere else."""
import csv
import io
import pathlib
import re
import shutil
import sys
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scratch  # noqa: E402
import server  # noqa: E402

STATIC = ("css", "js", "gif", "png", "ico", "eot", "ttf", "woff", "svg", "flt", "htm")
DOORS = ("/powershell", "/mapi/nspi", "/mapi/emsmdb", "/ews", "x-rps-cat=", "email=autodiscover/autodiscover.json")
OWN_PROGRAMS = ("ClientInfo", "Microsoft WinRM Client", "Exchange BackEnd Probes")


def unquoted(text):
    for _ in range(3):
        text = urllib.parse.unquote(text)
    return text.lower()


def door(row):
    """PS-01's condition on the path and the query: None, or whether it is Nessus."""
    whole = unquoted(row["stem"] + "?" + row["query"])
    if not row["stem"].lower().startswith("/autodiscover/autodiscover.json") or "@" not in whole:
        return None
    if not any(token in whole for token in DOORS):
        return None
    return "@test.com" in whole and "/owa/?&email=" in whole


def front_rules(row, own_scripts):
    """The rules that a row of the front end's log fulfils by itself."""
    stem, method, status = row["stem"].lower(), row["method"], int(row["status"])
    found = set()
    resource = stem.startswith(("/owa/auth/", "/ecp/")) and stem.rsplit(".")[-1] in STATIC
    if method == "POST" and resource and status not in (401, 403, 404, 405):
        found.add("PL-05")
    if re.match(r"^/(ecp|owa/auth)/[a-z0-9]{1,10}\.js$", stem) and stem not in own_scripts:
        found.add("PL-06")
    if door(row) is not None:
        found.add("PS-01")
        if "powershell" in unquoted(row["query"]) and status == 200 and row["user"] != "-":
            found.add("PN-01")
    if method == "POST" and re.match(r"^/owa/[^/]+(@|%40)[^/]+/powershell", stem) and status == 200:
        found.add("PN-02")
    if method == "GET" and stem.startswith(("/ecp/", "/owa/")) and "__VIEWSTATE=" in row["query"]:
        found.add("K-01")
    new_rule = method == "POST" and "/ruleseditor/inboxrules.svc/newobject" in stem
    if stem.startswith("/ecp/") and (new_rule or "SecurityToken=" in row["query"]):
        found.add("K-02")
    if method == "POST" and stem.startswith("/owa/calendar/a") and status != 503:
        found.add("K-04")
    if row["user"].endswith("$") and not row["ip"].startswith(("10.", "127.", "::1")):
        found.add("W-06")
    if status == 241 and not row["ip"].startswith(("10.", "127.", "::1")):
        found.add("W-11")
    return found


def proxy_rules(row):
    """The same for a row of the proxy's log."""
    anchor, found = row["AnchorMailbox"], set()
    if forged := re.match(r"^ServerInfo~([^/]*)/(.+)", anchor, re.I):
        if forged[1].lower().startswith("localhost"):
            found.add("PL-03")
        else:
            found.add("PL-02" if forged[2].lower().startswith("autodiscover") else "PL-01")
    if re.match(r"^Server~[^/]*/[^~]*~", row["BackEndCookie"], re.I):
        found.add("PL-04")
    if re.match(r"^ServerInfo~.*/.*Reset.*VirtualDirectory#$", anchor, re.I) and row["HttpStatus"] == "200":
        found.add("PL-13")
    if row["Protocol"] == "Autodiscover" and not row["AuthenticatedUser"]:
        nessus = door({"stem": row["UrlStem"], "query": row["UrlQuery"]})
        if nessus is False and int(row["HttpStatus"]) < 400:
            found.add("PS-02")
    return found


FRONT = {"PL-05", "PL-06", "PS-01", "PN-01", "PN-02", "K-01", "K-02", "K-04", "W-06", "W-11"}
PROXY = {"PL-01", "PL-02", "PL-03", "PL-04", "PL-13", "PS-02"}


class Conditions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.base = scratch.folder("conditions")
        cls.addClassCleanup(shutil.rmtree, cls.base)
        wishes = [("everything", seed, 2) for seed in range(11, 17)] + [
            (name, 11, 4) for name in ("exchange-2013", "attempted", "clean-exposed", "exchange-2010")]
        cls.truths = {f"{name}-{seed}": server.generate(cls.base / f"{name}-{seed}", seed, name, days)["servers"][0]
                      for name, seed, days in wishes}

    def told(self, name, rules):
        """(path, line) → the rules of `rules` that the truth tells there."""
        places = {}
        for thing in self.truths[name]["planted"]:
            if thing.get("line") and not thing.get("loose") and set(thing["rules"]) & rules:
                places.setdefault((thing["path"], thing["line"]), set()).update(set(thing["rules"]) & rules)
        return places

    def same(self, found, told, name):
        for place in sorted(found.keys() | told.keys()):
            with self.subTest(scenario=name, place=place):
                self.assertEqual(found.get(place, set()), told.get(place, set()))

    def front_rows(self, name):
        evidence = self.base / name / "evidence"
        for path in sorted((evidence / "inetpub/logs/LogFiles/W3SVC1").iterdir()):
            fields, octets = [], server.gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            text = octets.decode("utf-16" if octets[:2] == b"\xff\xfe" else "utf-8-sig", "replace")
            for number, line in enumerate(text.split("\n"), 1):
                if line.startswith("#Fields: "):
                    fields = line.rstrip("\r").split(" ")[1:]
                if line.startswith("#") or len(line) > 100_000:
                    continue
                values = line.rstrip("\r").split(" ")
                if len(values) != len(fields):
                    continue
                row = dict(zip(fields, values))
                yield str(path.relative_to(evidence)), number, {
                    "stem": row["cs-uri-stem"], "method": row["cs-method"], "status": row["sc-status"], "user": row["cs-username"],
                    "ip": row["c-ip"], "query": row["cs-uri-query"].partition("&CorrelationID=")[0]}

    def proxy_rows(self, name):
        evidence = self.base / name / "evidence"
        for path in sorted(evidence.rglob("HttpProxy_*.LOG")):
            lines = path.read_bytes().decode("utf-8", "replace").split("\r\n")
            fields = lines[0].split(",")
            for number, line in enumerate(lines[6:], 7):
                if line and len(line) < 100_000:
                    yield str(path.relative_to(evidence)), number, dict(zip(fields, next(csv.reader(io.StringIO(line)))))

    def test_front_end_rows(self):
        for name in self.truths:
            build = self.truths[name]["build"]
            found = {(path, number): rules for path, number, row in self.front_rows(name)
                     if (rules := front_rules(row, {f"/owa/auth/{build}/scripts/premium/flogon.js"}))}
            self.same(found, self.told(name, FRONT), name)

    def test_proxy_rows(self):
        for name in self.truths:
            found = {(path, number): rules for path, number, row in self.proxy_rows(name) if (rules := proxy_rules(row))}
            self.same(found, self.told(name, PROXY), name)

    def test_the_conditions_were_looked_at(self):
        for rules in (FRONT, PROXY):
            self.assertEqual(set().union(*self.told("everything-11", rules).values()), rules)


if __name__ == "__main__":
    unittest.main()
