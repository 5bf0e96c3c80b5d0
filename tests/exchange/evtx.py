"""Windows event logs (EVTX 3.1), written as Windows does: chunks of 64 KiB with checksums, string and template tables,
and BinXML that instantiates templates. `events.py` holds the shapes of the events that matter.

    with evtx.Writer(path, "Security", "EX01.corp.example") as log:
        record_id = log.add(events.PROCESS_CREATED, at, {"NewProcessName": r"C:\\Windows\\System32\\cmd.exe", …})

A template is written once in each chunk that uses it, as is each name; what comes later in the chunk refers to it.
"""
import hashlib
import struct
import zlib
from typing import NamedTuple

CHUNK_OCTETS = 0x10000
HEADER_OCTETS = 0x1000
EVENT_SCHEMA = "http://schemas.microsoft.com/win/2004/08/events/event"
EPOCH_AS_FILETIME = 116444736000000000  # 1970-01-01, in 100 ns since 1601

STRING, UINT8, UINT16, UINT32, UINT64 = 0x01, 0x04, 0x06, 0x08, 0x0A
BOOL, BINARY, GUID, FILETIME, SID, HEX32, HEX64, BINXML = 0x0D, 0x0E, 0x0F, 0x11, 0x13, 0x14, 0x15, 0x21
STRINGS = 0x81
ABSENT = 0x00
TYPES = {"string": STRING, "u8": UINT8, "u16": UINT16, "u32": UINT32, "u64": UINT64, "bool": BOOL, "binary": BINARY,
         "guid": GUID, "time": FILETIME, "sid": SID, "hex32": HEX32, "hex64": HEX64}


class Kind(NamedTuple):
    """The shape of an event. `names`: "Name" or "Name:type" in the order of the record; None is a classic source, whose
    Data has no names. `user_data`: the element and its namespace where the event has UserData instead of EventData."""
    provider: str
    event_id: int
    names: tuple | None = None
    guid: str = ""
    version: int = 0
    level: int = 4
    task: int = 0
    opcode: int = 0
    keywords: int = 0x8000000000000000
    qualifiers: int | None = None
    user_data: tuple | None = None


class Sub(NamedTuple):
    """A place in a template that each record fills."""
    index: int
    type: int
    optional: bool = True


def filetime(at):
    """100 ns since 1601 of seconds since 1970."""
    return EPOCH_AS_FILETIME + round(at * 1_000_000) * 10


def guid_octets(text):
    """{00112233-4455-6677-8899-aabbccddeeff} as it lies in a file."""
    digits = text.strip("{}").replace("-", "")
    raw = bytes.fromhex(digits)
    return raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]


def sid_octets(text):
    """S-1-5-18 as it lies in a file."""
    parts = [int(part) for part in text.split("-")[1:]]
    return struct.pack("<BB", parts[0], len(parts) - 2) + parts[1].to_bytes(6, "big") + struct.pack(
        f"<{len(parts) - 2}I", *parts[2:])


def name_hash(name):
    """What the string table of a chunk is ordered by."""
    value = 0
    for character in name:
        value = (value * 65599 + ord(character)) & 0xFFFFFFFF
    return value & 0xFFFF


def encode(kind, value):
    """A value as the octets of a substitution; None and "" are absent."""
    if value is None or value == "":
        return b""
    if kind == STRING:
        return str(value).encode("utf-16-le", "surrogatepass")
    if kind == STRINGS:
        return b"".join(str(one).encode("utf-16-le", "surrogatepass") + b"\0\0" for one in value)
    if kind in (UINT64, HEX64):
        return struct.pack("<Q", value)
    if kind in (UINT32, HEX32):
        return struct.pack("<I", value)
    if kind == BOOL:
        return struct.pack("<I", 1 if value else 0)
    if kind == FILETIME:
        return struct.pack("<Q", filetime(value))
    if kind == UINT16:
        return struct.pack("<H", value)
    if kind == UINT8:
        return struct.pack("<B", value)
    if kind == GUID:
        return guid_octets(value)
    if kind == SID:
        return sid_octets(value)
    return bytes(value)


def system_tree(provider, last):
    """The Event element with its System part; `last` are the elements behind that."""
    return ("Event", {"xmlns": EVENT_SCHEMA}, [
        ("System", {}, [
            ("Provider", provider, []),
            ("EventID", {"Qualifiers": Sub(4, UINT16)}, [Sub(3, UINT16)]),
            ("Version", {}, [Sub(11, UINT8)]),
            ("Level", {}, [Sub(0, UINT8)]),
            ("Task", {}, [Sub(2, UINT16)]),
            ("Opcode", {}, [Sub(1, UINT8)]),
            ("Keywords", {}, [Sub(5, HEX64)]),
            ("TimeCreated", {"SystemTime": Sub(6, FILETIME)}, []),
            ("EventRecordID", {}, [Sub(10, UINT64)]),
            ("Correlation", {"ActivityID": Sub(7, GUID), "RelatedActivityID": Sub(13, GUID)}, []),
            ("Execution", {"ProcessID": Sub(8, UINT32), "ThreadID": Sub(9, UINT32)}, []),
            ("Channel", {}, [Sub(16, STRING)]),
            ("Computer", {}, [Sub(15, STRING)]),
            ("Security", {"UserID": Sub(12, SID)}, [])]),
        *last])


SYSTEM_TYPES = [UINT8, UINT8, UINT16, UINT16, UINT16, HEX64, FILETIME, GUID, UINT32, UINT32, UINT64, UINT8, SID, GUID,
                STRING, STRING, STRING]


def event_tree(kind):
    """The outer template of an event: for a classic source with its Data, else with a place for the inner one."""
    provider = {"Name": kind.provider}
    if kind.guid:
        provider["Guid"] = kind.guid
    if kind.names is None:
        return system_tree(provider, [("EventData", {}, [("Data", {}, [Sub(17, STRINGS)]),
                                                         ("Binary", {}, [Sub(18, BINARY)])])])
    return system_tree(provider, [Sub(17, BINXML)])


def data_tree(kind):
    """The inner template, of what is the event's own."""
    fields = [(name.partition(":")[0], TYPES[name.partition(":")[2] or "string"]) for name in kind.names]
    if kind.user_data:
        element, schema = kind.user_data
        inside = [(name, {}, [Sub(index, of)]) for index, (name, of) in enumerate(fields)]
        return ("UserData", {}, [(element, {"xmlns": schema}, inside)])
    return ("EventData", {}, [("Data", {"Name": name}, [Sub(index, of, False)]) for index, (name, of) in enumerate(fields)])


class _Chunk:
    """64 KiB of records, with the names and templates that they share."""

    def __init__(self, first_number):
        self.octets = bytearray(512)
        self.names, self.name_buckets = {}, [0] * 64
        self.templates, self.template_buckets = {}, [0] * 32
        self.first_number = self.number = first_number
        self.first_id = self.last_id = 0
        self.last_offset = 512

    def name(self, out, at, name):
        """The place of `name`; at its first use it is written right here, `out` being at `at` in the chunk."""
        if name in self.names:
            out += struct.pack("<I", self.names[name])
            return
        here, hashed = at + len(out) + 4, name_hash(name)
        bucket = hashed % 64
        out += struct.pack("<IIHH", here, self.name_buckets[bucket], hashed, len(name))
        out += name.encode("utf-16-le") + b"\0\0"
        self.names[name] = self.name_buckets[bucket] = here

    def value(self, out, value):
        if isinstance(value, Sub):
            out += struct.pack("<BHB", 0x0E if value.optional else 0x0D, value.index, value.type)
        else:
            out += struct.pack("<BBH", 0x05, STRING, len(value)) + value.encode("utf-16-le")

    def element(self, out, at, tree):
        name, attributes, children = tree
        # An element whose only content may be absent goes away with it.
        alone = len(children) == 1 and isinstance(children[0], Sub) and children[0].optional
        dependency = children[0].index if alone else 0xFFFF
        out += struct.pack("<BHI", 0x41 if attributes else 0x01, dependency, 0)
        begin = len(out)
        self.name(out, at, name)
        if attributes:
            out += b"\0\0\0\0"
            inside = len(out)
            for index, (key, value) in enumerate(attributes.items()):
                out += b"\x46" if index + 1 < len(attributes) else b"\x06"
                self.name(out, at, key)
                self.value(out, value)
            struct.pack_into("<I", out, inside - 4, len(out) - inside)
        if children:
            out += b"\x02"
            for child in children:
                if isinstance(child, (Sub, str)):
                    self.value(out, child)
                else:
                    self.element(out, at, child)
            out += b"\x04"
        else:
            out += b"\x03"
        struct.pack_into("<I", out, begin - 4, len(out) - begin)

    def instance(self, out, at, template, values):
        """A template instance: the definition at its first use, then the values as (type, octets)."""
        key, tree = template
        out += b"\x0f\x01\x01\x00\x0c\x01" + key[:4]
        known = self.templates.get(key)
        if known is None:
            here = at + len(out) + 4
            bucket = key[0] % 32
            out += struct.pack("<II", here, self.template_buckets[bucket]) + key + b"\0\0\0\0"
            begin = len(out)
            out += b"\x0f\x01\x01\x00"
            self.element(out, at, tree)
            out += b"\x00"
            struct.pack_into("<I", out, begin - 4, len(out) - begin)
            self.templates[key] = self.template_buckets[bucket] = here
        else:
            out += struct.pack("<I", known)
        out += struct.pack("<I", len(values))
        out += b"".join([struct.pack("<HBB", len(octets), of if octets or of == STRING else ABSENT, 0)
                         for of, octets in values])

    def finish(self):
        """The chunk as it lies in a file."""
        free = len(self.octets)
        header = struct.pack("<8sQQQQIIII", b"ElfChnk\0", self.first_number, self.number - 1, self.first_id, self.last_id,
                             128, self.last_offset, free, zlib.crc32(self.octets[512:]))
        header = header.ljust(120, b"\0")
        tables = struct.pack("<64I32I", *self.name_buckets, *self.template_buckets)
        header += struct.pack("<II", 1, zlib.crc32(tables, zlib.crc32(header)))
        return (header + tables + self.octets[512:]).ljust(CHUNK_OCTETS, b"\0")


class Writer:
    """One event log. Times are seconds since 1970; record ids count from `first_id`. A leap of record ids, as a wiped
    record leaves, is made with `skip`; `dirty` leaves the file header as a crash or a copy of a live log does."""

    def __init__(self, path, channel, computer, *, first_id=1, dirty=False):
        self.file = open(path, "wb")
        self.file.write(b"\0" * HEADER_OCTETS)
        self.channel, self.computer, self.dirty = channel, computer, dirty
        self.next_id, self.number, self.chunks = first_id, 1, 0
        self.chunk = _Chunk(1)
        self.known = {}
        self._undo = None  # The chunk's tables before a record that may not fit.

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def skip(self, count):
        """The next `count` record ids never come."""
        self.next_id += count

    def add(self, kind, at, data, *, pid=4, tid=8, user=None):
        """Appends an event and returns its record id. `data`: by name, or a list for a classic source."""
        record = self._record(kind, at, data, pid, tid, user)
        # A chunk is never filled to its last octet, by Windows neither: libevtx loses the record that does it.
        if len(self.chunk.octets) + len(record) >= CHUNK_OCTETS:
            self._end_chunk()
            record = self._record(kind, at, data, pid, tid, user)
            if 512 + len(record) >= CHUNK_OCTETS:
                raise ValueError(f"an event of {len(record)} octets does not fit in a chunk")
        self._undo = None
        chunk = self.chunk
        chunk.last_offset = len(chunk.octets)
        chunk.octets += record
        chunk.first_id = chunk.first_id or self.next_id
        chunk.last_id = self.next_id
        chunk.number += 1
        self.number += 1
        self.next_id += 1
        return self.next_id - 1

    def _templates(self, kind):
        """The keys and trees of the outer and the inner template; a key stands for the template's identity (a GUID)."""
        if kind not in self.known:
            outer = (hashlib.md5(f"{kind.provider}|{kind.guid}|{kind.names is None}".encode()).digest(), event_tree(kind))
            inner = None
            if kind.names is not None:
                types = [TYPES[name.partition(":")[2] or "string"] for name in kind.names]
                inner = (hashlib.md5(repr(kind).encode()).digest(), data_tree(kind)), types
            self.known[kind] = outer, inner
        return self.known[kind]

    def _record(self, kind, at, data, pid, tid, user):
        chunk = self.chunk
        tables = (chunk.names, chunk.name_buckets, chunk.templates, chunk.template_buckets)
        outer, inner = self._templates(kind)
        if outer[0] not in chunk.templates or (inner and inner[0][0] not in chunk.templates):
            self._undo = [table.copy() for table in tables]
        system = [kind.level, kind.opcode, kind.task, kind.event_id, kind.qualifiers, kind.keywords, at, None, pid, tid,
                  self.next_id, kind.version, user, None, None, self.computer, self.channel]
        values = [(of, encode(of, value)) for of, value in zip(SYSTEM_TYPES, system)]
        base = len(chunk.octets)
        out = bytearray(24)
        if inner is None:
            texts, binary = (data, b"") if not isinstance(data, dict) else (data["Data"], data["Binary"])
            values += [(STRINGS, encode(STRINGS, texts)), (BINARY, binary)]
            chunk.instance(out, base, outer, values)
            out += b"".join([octets for _, octets in values])
        else:
            self._with_inner(out, base, (outer, inner, values), data)
        out += b"\0"
        out += b"\0" * (-(len(out) + 4) % 8)
        struct.pack_into("<4sIQQ", out, 0, b"**\0\0", len(out) + 4, self.next_id, filetime(at))
        out += struct.pack("<I", len(out) + 4)
        return out

    def _with_inner(self, out, base, parts, data):
        """An event whose own part is BinXML inside the last substitution."""
        outer, ((key, tree), types), values = parts
        names = self._field_names(key, tree)
        own = [(of, encode(of, data.get(name))) for name, of in zip(names, types)]
        self.chunk.instance(out, base, outer, [*values, (BINXML, b"\0")])
        size_at = len(out) - 4
        out += b"".join([octets for _, octets in values])
        begin = len(out)
        self.chunk.instance(out, base, (key, tree), own)
        out += b"".join([octets for _, octets in own])
        out += b"\0"
        struct.pack_into("<H", out, size_at, len(out) - begin)

    def _field_names(self, key, tree):
        if key not in self.known:
            children = tree[2][0][2] if tree[0] == "UserData" else tree[2]
            self.known[key] = [child[0] if tree[0] == "UserData" else child[1]["Name"] for child in children]
        return self.known[key]

    def _end_chunk(self):
        """Writes the chunk away; what the record that does not fit has put into its tables is taken back."""
        if self._undo is not None:
            chunk = self.chunk
            chunk.names, chunk.name_buckets, chunk.templates, chunk.template_buckets = self._undo
            self._undo = None
        self.file.write(self.chunk.finish())
        self.chunks += 1
        self.chunk = _Chunk(self.number)

    def close(self):
        """Writes the last chunk and the file header."""
        if self.file.closed:
            return
        if self.chunk.number > self.chunk.first_number or self.chunks == 0:
            self._end_chunk()
        told = 1 if self.dirty else self.chunks  # A crash leaves the count of long ago.
        header = struct.pack("<8sQQQIHHHH", b"ElfFile\0", 0, told - 1, self.next_id, 128, 1, 3, HEADER_OCTETS, told)
        header = header.ljust(120, b"\0")
        self.file.seek(0)
        self.file.write(header + struct.pack("<II", 1 if self.dirty else 0, zlib.crc32(header)))
        self.file.close()
