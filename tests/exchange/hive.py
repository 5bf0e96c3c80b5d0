"""Registry hives (regf 1.5): a tree of keys and values, written in cells of hbins as Windows lays them.

    hive.write(path, "SOFTWARE", {r"Microsoft\\ExchangeServer\\v15\\Setup": {"MsiInstallPath": "D:\\\\Exchange\\\\"}})

A value is a str (REG_SZ), an int (REG_DWORD), bytes (REG_BINARY), a list (REG_MULTI_SZ) or ("expand", str).
"""
import pathlib
import struct

import evtx

NOTHING = 0xFFFFFFFF
REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD, REG_MULTI_SZ = 1, 2, 3, 4, 7
LARGEST_VALUE = 16344  # Beyond it Windows splits a value over several cells.
# Owner and group: Administrators; no access list.
DESCRIPTOR = struct.pack("<BBHIIII", 1, 0, 0x8000, 20, 36, 0, 0) + evtx.sid_octets("S-1-5-32-544") * 2


class _Key:
    def __init__(self, name):
        self.name, self.keys, self.values = name, {}, {}


def _tree(keys):
    root = _Key("ROOT")
    for path, values in keys.items():
        key = root
        for part in path.split("\\"):
            key = key.keys.setdefault(part.upper(), _Key(part))
        key.values.update(values)
    return root


def _typed(value):
    if isinstance(value, tuple):
        return REG_EXPAND_SZ, value[1].encode("utf-16-le") + b"\0\0"
    if isinstance(value, str):
        return REG_SZ, value.encode("utf-16-le") + b"\0\0"
    if isinstance(value, int):
        return REG_DWORD, struct.pack("<I", value)
    if isinstance(value, list):
        return REG_MULTI_SZ, b"".join(one.encode("utf-16-le") + b"\0\0" for one in value) + b"\0\0"
    return REG_BINARY, bytes(value)


class _Bins:
    """The hbins of a hive; an offset counts from the first of them."""

    def __init__(self, at):
        self.octets, self.begin, self.at = bytearray(), 0, at
        self._open(4096)

    def _open(self, size):
        self.begin = len(self.octets)
        self.octets += struct.pack("<4sIIQQI", b"hbin", self.begin, size, 0, evtx.filetime(self.at), 0)
        self.end = self.begin + size

    def _close(self):
        """What is left of an hbin is one free cell."""
        left = self.end - len(self.octets)
        if left:
            self.octets += struct.pack("<i", left) + b"\0" * (left - 4)

    def cell(self, content):
        """Puts an allocated cell and returns its offset."""
        size = (len(content) + 4 + 7) // 8 * 8
        if len(self.octets) + size > self.end:
            self._close()
            self._open((size + 32 + 4095) // 4096 * 4096)
        offset = len(self.octets)
        self.octets += struct.pack("<i", -size) + content.ljust(size - 4, b"\0")
        return offset

    def finish(self):
        self._close()
        return bytes(self.octets)


def _name(text):
    """A name as octets, and whether it is stored as Latin-1."""
    try:
        return text.encode("latin-1"), 1
    except UnicodeEncodeError:
        return text.encode("utf-16-le"), 0


def _put_values(bins, key):
    places = []
    for name, value in key.values.items():
        of, data = _typed(value)
        if len(data) > LARGEST_VALUE:
            raise ValueError(f"a value of {len(data)} octets does not fit in a cell")
        raw, latin = _name(name)
        if len(data) <= 4:
            size, place = len(data) | 0x80000000, int.from_bytes(data.ljust(4, b"\0"), "little")
        else:
            size, place = len(data), bins.cell(data)
        places.append(bins.cell(struct.pack("<2sHIIIHH", b"vk", len(raw), size, place, of, latin, 0) + raw))
    return bins.cell(struct.pack(f"<{len(places)}I", *places)) if places else NOTHING


def _name_hash(name):
    value = 0
    for character in name.upper():
        value = (value * 37 + ord(character)) & 0xFFFFFFFF
    return value


def _put_key(bins, key, parent, security):
    """The key's own cell comes first, as its children name it; it is filled in at the end."""
    raw, latin = _name(key.name)
    offset = bins.cell(b"\0" * (76 + len(raw)))
    children = [(_put_key(bins, child, offset, security), child) for _, child in sorted(key.keys.items())]
    subkeys = NOTHING
    if children:
        subkeys = bins.cell(struct.pack("<2sH", b"lh", len(children)) + b"".join(
            struct.pack("<II", place, _name_hash(child.name)) for place, child in children))
    values = _put_values(bins, key)
    flags = (0x20 if latin else 0) | (0x0C if parent is None else 0)
    longest = [max([0, *sizes]) for sizes in (
        (len(child.name) * 2 for _, child in children), (len(name) * 2 for name in key.values),
        (len(_typed(value)[1]) for value in key.values.values()))]
    nk = struct.pack("<2sHQIIIIIIIIIIIIIIIHH", b"nk", flags, evtx.filetime(bins.at), 0, 0 if parent is None else parent,
                     len(children), 0, subkeys, NOTHING, len(key.values), values, security, NOTHING, longest[0], 0,
                     longest[1], longest[2], 0, len(raw), 0) + raw
    bins.octets[offset + 4:offset + 4 + len(nk)] = nk
    return offset


def _count(key):
    return 1 + sum(_count(child) for child in key.keys.values())


def write(path, name, keys, at=1609459200):
    """Writes a hive of the given keys; `name` is what its header says it is called."""
    root = _tree(keys)
    bins = _Bins(at)
    # Where the root's cell and the descriptor lie is known: they are the first two cells.
    security = bins.cell(b"\0" * (20 + len(DESCRIPTOR)))
    struct.pack_into("<2sHIIII", bins.octets, security + 4, b"sk", 0, security, security, _count(root), len(DESCRIPTOR))
    bins.octets[security + 24:security + 24 + len(DESCRIPTOR)] = DESCRIPTOR
    top = _put_key(bins, root, None, security)
    body = bins.finish()
    header = struct.pack("<4sIIQIIIIIII", b"regf", 7, 7, evtx.filetime(at), 1, 5, 0, 1, top, len(body), 1)
    header += f"\\SystemRoot\\System32\\Config\\{name}"[:31].encode("utf-16-le").ljust(64, b"\0")
    header = header.ljust(508, b"\0")
    checksum = 0
    for word in struct.unpack("<127I", header):
        checksum ^= word
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_bytes((header + struct.pack("<I", checksum)).ljust(4096, b"\0") + body)


def software(install, build, tasks=(), generation="v15"):
    """The keys of a SOFTWARE hive: where Exchange is and of which CU, and the cache of the scheduled tasks.
    `tasks`: (name, whether its security descriptor is there)."""
    major, minor, number, revision = build
    base = f"Microsoft\\ExchangeServer\\{generation}"
    keys = {
        f"{base}\\Setup": {"MsiInstallPath": install, "MsiProductMajor": major, "MsiProductMinor": minor,
                           "MsiBuildMajor": number, "MsiBuildMinor": revision, "NewestBuild": number,
                           "Services": install.rstrip("\\")},
        f"{base}\\MailboxRole": {"ConfiguredVersion": ".".join(str(part) for part in build)},
        r"Microsoft\Windows NT\CurrentVersion": {"ProductName": "Windows Server 2016 Standard", "CurrentBuild": "14393",
                                                 "InstallDate": 1546300800, "SystemRoot": "C:\\Windows"},
    }
    cache = r"Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache"
    for number, (name, described) in enumerate(tasks):
        unique = f"{{7B1DA9C5-2A1B-4E6E-9E73-{number:012X}}}"
        values = {"Id": unique, "Index": 3}
        keys[f"{cache}\\Tree\\{name}"] = values | ({"SD": DESCRIPTOR} if described else {})
        keys[f"{cache}\\Tasks\\{unique}"] = {"Path": "\\" + name, "Hash": bytes(range(32)), "Schema": 0x10004}
    return keys


def system(computer, zone="W. Europe Standard Time", bias=-60):
    """The keys of a SYSTEM hive: the computer's name and its time zone."""
    return {
        "Select": {"Current": 1, "Default": 1, "Failed": 0, "LastKnownGood": 1},
        r"ControlSet001\Control\ComputerName\ComputerName": {"ComputerName": computer},
        r"ControlSet001\Control\TimeZoneInformation": {
            "Bias": bias & 0xFFFFFFFF, "ActiveTimeBias": bias & 0xFFFFFFFF, "StandardBias": 0, "DaylightBias": 0xFFFFFFC4,
            "TimeZoneKeyName": zone, "StandardName": "@tzres.dll,-322", "DaylightName": "@tzres.dll,-321"},
        r"ControlSet001\Services\MSExchangeIS": {"ImagePath": ("expand", "%ExchangeInstallPath%Bin\\store.exe"), "Start": 2},
        r"ControlSet001\Services\W3SVC": {"ImagePath": ("expand", "%windir%\\system32\\svchost.exe -k iissvcs"), "Start": 2},
    }
