"""A whole server, or several, with the truth about them: `generate(folder, seed, scenario)`.

    FOLDER/evidence/           what a sweep is pointed at
    FOLDER/truth.json          what it must find there, and what it must not call an attack
    FOLDER/known-good.csv.gz   hashes of the pages that stand for Microsoft's, with known-good-builds.csv

The same seed, scenario, days and size make the same octets, and the same modification times.
"""
import gzip
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import time
import zipfile

import background
import disk
import events
import evtx
import logs
import mft
import traffic
from scenarios import SCENARIOS
from world import World, midnight

OCTETS_A_REQUEST = 950  # Over front end, back end and proxy log, as measured.
EXPOSED_SINCE = "2021-01-03"  # The first known use of CVE-2021-26855.


def generate(folder, seed, scenario, days=None, mbytes=None, files=0):
    """Writes a scenario beneath `folder`, which must not hold one yet, and returns its truth. `mbytes` of web logs, and
    `files` of no interest in Windows\\WinSxS, are for measuring."""
    folder, plan = pathlib.Path(folder), SCENARIOS[scenario]
    evidence = folder / "evidence"
    evidence.mkdir(parents=True)
    worlds = []
    for server in plan.servers:
        options = server.options._replace(days=days or server.options.days)
        world = World(evidence, server.prefix, options, f"{seed}/{scenario}")
        for index in range(files):
            world.put(world.c(f"Windows/WinSxS/amd64_made_{index // 250:05d}/{index}{('.dll', '.mui', '.txt', '.xml')[index % 4]}"),
                      f"file {index}\r\n" * (1 + index % 50))
        _fill(world, server, mbytes and mbytes / len(plan.servers))
        worlds.append((world, server))
    if plan.layout != "tree":
        _bundle(folder, worlds, plan.layout)
    _known_good(folder, [world for world, _ in worlds])
    truth = {"format": 1, "scenario": scenario, "about": plan.about, "seed": seed, "layout": plan.layout, "sweep": "evidence",
             "known_good": "known-good.csv.gz", "servers": [_truth(world, server) for world, server in worlds]}
    (folder / "truth.json").write_text(json.dumps(truth, indent=1, sort_keys=True, ensure_ascii=True) + "\n")
    return truth


def _fill(world, server, mbytes):
    options = world.options
    disk.clean(world)
    for step in server.steps:
        at = world.begin + int(options.days * step.share) * 86400 + step.hour * 3600
        step.do(world, at, **step.more)
    background.look_alikes(world, world.begin + options.days // 2 * 86400 + 10 * 3600)
    for index in range(options.days):
        background.every_day(world, world.begin + index * 86400)
    world.retained = _Retained(world, server)
    _web_logs(world, server, mbytes)
    _exchange_logs(world)
    _event_logs(world)
    disk.application_host(world)
    disk.registry(world)
    _file_table(world)
    world.settle()


def _file_table(world):
    """Where times were set, somebody has copied $MFT of the system drive, which has the true ones."""
    if not world.born:
        return
    drive, files = world.c(""), {}
    for path, at in world.times.items():
        if path.startswith(drive) and "\n" not in path:
            set_at = int(at) + (0 if path in world.stomped else 0.25)
            files[path[len(drive):]] = set_at, world.born.get(path, set_at) + (0.5 if path in world.born else 0)
    mft.write(world.root / world.c("$MFT"), files)
    world.times[world.c("$MFT")] = world.end - 1800


class _Retained:
    """Which days' logs are there."""

    def __init__(self, world, server):
        self.world, self.server = world, server

    def __call__(self, kind, at):
        index = int(at - self.world.begin) // 86400
        limit = self.server.iis_days if kind == "iis" else self.server.exchange_days
        return index not in self.server.missing and (limit is None or index >= self.world.options.days - limit)

    def days(self, kind):
        begin, count = self.world.begin, self.world.options.days
        return [_day(begin + index * 86400) for index in range(count) if self(kind, begin + index * 86400)]


def _day(at):
    return time.strftime("%Y-%m-%d", time.gmtime(at))


def _shapes(world, hostile):
    """The shape of a day's web log: on a hostile server, one of each."""
    if not hostile:
        return lambda day: logs.Shape()
    shapes = [logs.Shape(), logs.Shape(encoding="utf-8-sig", newline="\n"), logs.Shape(encoding="utf-16"), logs.Shape(gz=True),
              logs.Shape(zeros=1 << 20)]
    last = time.strftime("%y%m%d", time.gmtime(world.end - 1))
    order = {}
    return lambda day: logs.Shape(torn=True) if day == last else shapes[order.setdefault(day, len(order)) % len(shapes)]


def _web_logs(world, server, mbytes):
    """The days' requests, into the logs of both sites and of the proxy."""
    options, folder = world.options, world.iis_logs
    noon = world.begin + (options.days // 4) * 86400 + 14 * 3600
    fields = [(0, logs.IIS_FIELDS), (noon, logs.IIS_FIELDS_MORE), (noon + 86400, logs.IIS_FIELDS_OTHER),
              (noon + 2 * 86400, logs.IIS_FIELDS_MORE)]
    shape_of = _shapes(world, server.hostile)
    front = logs.IisSite(world.root, f"{folder}/W3SVC1", world.server, fields, shape_of)
    back = logs.IisSite(world.root, f"{folder}/W3SVC2", world.server)
    proxy = logs.HttpProxy(world.root, world.ex("Logging/HttpProxy"), world.server)
    if server.hostile:
        at = world.begin + 86400 + 3600
        world.requests += logs.hostile_requests(at, "203.0.113.99")
    rng = random.Random(world.rng.getrandbits(64))
    modern = world.server.build[0] >= 15
    for index in range(options.days):
        day = world.begin + index * 86400
        requests = traffic.day_of(world, rng, day)
        while mbytes and len(requests) * OCTETS_A_REQUEST < mbytes * 1e6 / options.days:
            requests += traffic.users(world, rng, day)
        requests += [request for request in world.requests if day <= request.at < day + 86400]
        requests.sort(key=lambda request: request.at)
        for request in requests:
            if any(begin <= request.at < end for begin, end in world.gaps):
                continue
            if world.retained("iis", day):
                front.add(request)
                if modern and request.backend_user:
                    back.add(logs.to_back_end(request, world.server))
            if modern and request.protocol and world.retained("exchange", day):
                proxy.add(request)
    for writer in (front, back, proxy):
        writer.end()
    world.torn = front.torn + back.torn + proxy.torn
    _date_logs(world, folder, world.ex("Logging"))


def _date_logs(world, *folders):
    """A log was last written when its last row was; near enough the end of the time that its name says."""
    for folder in folders:
        for path in sorted((world.root / folder).rglob("*")):
            if path.is_file():
                year, month, day = re.search(r"(20\d\d|(?<=u_ex)\d\d)(\d\d)(\d\d)", path.name).groups()
                world.times[str(path.relative_to(world.root))] = midnight(f"20{year[-2:]}-{month}-{day}") + 86_000


def _exchange_logs(world):
    """ECP, OAB generator and remote PowerShell."""
    if world.server.build[0] < 15:
        return
    exchange = world.ex("").rstrip("/")
    oab = logs.OabLog(world.root, exchange)
    for at, text, plants in sorted(world.oab, key=lambda one: one[0]):
        if world.retained("exchange", at):
            oab.add(at, text, plants)
    oab.end()
    ecp = [(at, {"TimeStamp": logs.iso(at), "ServerName": world.server.name, "EventId": "ECP.Request", "EventData": data}, plants)
           for at, data, plants in world.ecp]
    build = dict(zip(("MajorVersion", "MinorVersion", "BuildVersion", "RevisionVersion"), world.server.build))
    rps = [(at, build | {"StartTime": logs.iso(at), "RequestId": "4e1c", "UrlHost": world.server.host} | values, plants)
           for at, values, plants in world.rps]
    cmdlets = [(at, build | {"DateTime": logs.iso(at), "StartTime": logs.iso(at), "ServerHostName": world.server.name} | values, plants)
               for at, values, plants in world.cmdlets]
    for log, rows in ((logs.ecp_log, ecp), (logs.rps_http_log, rps), (logs.cmdlet_log, cmdlets)):
        writer = log(world.root, exchange, world.server)
        for at, values, plants in sorted(rows, key=lambda one: one[0]):
            if world.retained("exchange", at):
                writer.add(at, values, plants)
        writer.end()
    _date_logs(world, f"{exchange}/Logging")


def _event_logs(world):
    """The event logs. What a cleared log held before is gone."""
    cleared = {}
    for log, kind, at, data, _, _ in world.events:
        if kind is events.SECURITY_CLEARED:
            cleared[log] = at
        elif kind is events.LOG_CLEARED:
            cleared[f"{data['Channel']}.evtx"] = at
    for name, channel in events.CHANNELS.items():
        rows = sorted((event for event in world.events if event[0] == name), key=lambda event: event[2])
        kept = [event for event in rows if event[2] >= cleared.get(name, 0)]
        path = world.c(f"Windows/System32/winevt/Logs/{name}")
        (world.root / path).parent.mkdir(parents=True, exist_ok=True)
        with evtx.Writer(world.root / path, channel, f"{world.server.name}.corp.example",
                         first_id=1001 + len(rows) - len(kept), dirty=name == "Security.evtx" and bool(cleared)) as log:
            for _, kind, at, data, plants, more in kept:
                if name in world.leaps and at >= world.leaps[name][0]:
                    log.skip(137)
                    world.leaps.pop(name)[1].place(path, record=log.next_id)
                record = log.add(kind, at, data, **more)
                for plant in plants:
                    plant.at = plant.at or logs.iso(at)
                    plant.place(path, record=record)
        world.times[path] = world.end - 60


def _known_good(folder, worlds):
    """The list of known-good hashes: one row a hash and path, with the numbers of the builds that have it."""
    builds = sorted({world.server.build for world in worlds if world.options.baseline != "none"} | {(15, 1, 9999, 1)})
    rows = {}
    for world in worlds:
        base, baseline = world.ex(""), world.options.baseline
        for path, octets in world.files.items():
            path = path[len(base):]
            # Another build's pages have the same names.
            other = hashlib.sha256(octets + b"<!-- another build -->").hexdigest()
            rows.setdefault((path, other), set()).add(builds.index((15, 1, 9999, 1)))
            if baseline == "none" or (baseline == "short" and path.startswith("FrontEnd/")):
                continue
            path = path.removeprefix("ClientAccess/") if baseline == "short" else path
            rows.setdefault((path, hashlib.sha256(octets).hexdigest()), set()).add(builds.index(world.server.build))
    text = "sha256,path,build_idx\n" + "".join(
        f"{digest},{path},{' '.join(str(one) for one in sorted(which))}\n" for (path, digest), which in sorted(rows.items()))
    with open(folder / "known-good.csv.gz", "wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as out:
        out.write(text.encode())
    (folder / "known-good-builds.csv").write_text("build_idx,build\n" + "".join(
        f"{index},{'.'.join(str(part) for part in build)}\n" for index, build in enumerate(builds)))


def _is_log(path):
    return path.suffix in (".evtx", ".LOG") or path.name.endswith((".log", ".log.gz"))


def _bundle(folder, worlds, layout):
    """Only the logs, as people send them: side by side in one folder, or packed. Truth follows them; what it says of
    other files is lost with these."""
    evidence, new, moved = folder / "evidence", folder / "evidence.new", {}
    new.mkdir()
    paths = sorted(path for path in evidence.rglob("*") if path.is_file() and not path.is_symlink() and _is_log(path))
    with zipfile.ZipFile(folder / "bundle.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            relative = str(path.relative_to(evidence))
            if layout == "flat":
                clashes = path.parent.name if path.name.startswith(("u_ex", "HttpProxy_")) else ""
                moved[relative] = f"{clashes}_{path.name}" if clashes else path.name
                shutil.copy2(path, new / moved[relative])
            else:
                moved[relative] = f"bundle.zip!/{relative}"
                when = time.gmtime(path.stat().st_mtime)[:6]
                archive.writestr(zipfile.ZipInfo(relative, when), path.read_bytes(), zipfile.ZIP_DEFLATED, 6)
    if layout == "zip":
        os.replace(folder / "bundle.zip", new / "bundle.zip")
        last = max(world.end for world, _ in worlds)
        os.utime(new / "bundle.zip", (last, last))
    else:
        (folder / "bundle.zip").unlink()
    shutil.rmtree(evidence)
    new.rename(evidence)
    for world, _ in worlds:
        for plant in world.plants + world.benigns:
            plant.path = moved.get(plant.path)
        world.torn = [(moved[path], line) for path, line in world.torn]


def _truth(world, server):
    """What there is to know of a server."""
    options = world.options
    since = max(options.installed, EXPOSED_SINCE)
    all_days = [_day(at) for at in range(midnight(since), world.end, 86400)]
    there = {"iis": world.retained.days("iis"), "httpproxy": world.retained.days("exchange") if options.build[0] >= 15 else []}
    placed = [plant for plant in world.plants if plant.path]
    return {
        "name": options.name, "root": world.prefix.rstrip("/"), "exchange": world.ex("").rstrip("/"), "product": options.product,
        "build": ".".join(str(part) for part in options.build), "fixed": sorted(options.fixed), "exposed": sorted(options.exposed),
        "unaffected": sorted(options.unaffected),
        "mitigated": options.mitigated, "exposure": {"from": since, "until": _day(world.end - 1)} if options.exposed else None,
        "verdict": server.verdict, "chains": world.chains, "stolen": world.stolen, "zone": "W. Europe Standard Time",
        "logs": {name: {"first": days[0] if days else None, "last": days[-1] if days else None,
                        "days_without": [day for day in all_days if day not in days]} for name, days in there.items()},
        "planted": [plant.value() for plant in placed],
        "lost": [plant.value() for plant in world.plants if not plant.path],
        "benign": [one.value() for one in world.benigns if one.path],
        "torn": [{"path": path, "line": line} for path, line in world.torn], "notes": world.notes}
