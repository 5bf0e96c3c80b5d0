"""The table of files of an NTFS volume ($MFT): a record of 1,024 octets for each file and folder, with the times that programs may set
($STANDARD_INFORMATION) and those that the file system alone writes ($FILE_NAME).

    mft.write(path, {"inetpub/wwwroot/x.aspx": (set_at, made_at)})     # seconds since 1970
"""
import pathlib
import struct

RECORD, ROOT, FIRST = 1024, 5, 64
IN_USE, FOLDER = 1, 2


def _ticks(at):
    """100 ns since 1601."""
    return round(at * 10_000_000) + 116_444_736_000_000_000


def _attribute(kind, value):
    body = struct.pack("<IHH", len(value), 24, 0) + value
    size = (16 + len(body) + 7) // 8 * 8
    return (struct.pack("<IIBBHHH", kind, size, 0, 0, 24, 0, 0) + body).ljust(size, b"\0")


def record(name, parent, set_at, made_at, folder=False):
    """A record, with the marks at the ends of its sectors."""
    name16 = name.encode("utf-16-le", "surrogatepass")
    standard = struct.pack("<4QI", *[_ticks(set_at)] * 4, 0x20).ljust(48, b"\0")
    of_name = struct.pack("<Q4QQQIIBB", parent | 1 << 48, *[_ticks(made_at)] * 4, 0, 0, 0, 0, len(name16) // 2, 1) + name16
    attributes = _attribute(0x10, standard) + _attribute(0x30, of_name) + struct.pack("<II", 0xFFFFFFFF, 0)
    head = struct.pack("<4sHHQHHHHIIQ", b"FILE", 48, 3, 0, 1, 1, 56, IN_USE | (FOLDER if folder else 0), 56 + len(attributes), RECORD, 0)
    octets = bytearray(head.ljust(56, b"\0") + attributes)
    if len(octets) > RECORD:
        return None  # Its attributes would stand in further records.
    octets = octets.ljust(RECORD, b"\0")
    octets[48:50] = b"\x01\x00"
    for sector in range(2):
        end = (sector + 1) * 512 - 2
        octets[50 + 2 * sector:52 + 2 * sector] = octets[end:end + 2]
        octets[end:end + 2] = b"\x01\x00"
    return bytes(octets)


def write(path, files):
    """`files`: path beneath the volume → (time as set, time when made)."""
    records, folders = {ROOT: record(".", ROOT, 0, 0, True)}, {"": ROOT}

    def add(name, parent, set_at, made_at, folder=False):
        made = record(name, parent, set_at, made_at, folder)
        number = max(FIRST, max(records) + 1)
        if made:
            records[number] = made
        return number

    def folder_of(place):
        if place not in folders:
            above, _, name = place.rpartition("/")
            folders[place] = add(name, folder_of(above), 1_500_000_000.5, 1_500_000_000.5, True)
        return folders[place]

    for place, (set_at, made_at) in sorted(files.items()):
        above, _, name = place.rpartition("/")
        add(name, folder_of(above), set_at, made_at)
    with open(pathlib.Path(path), "wb") as out:
        out.write(record("$MFT", ROOT, 0, 0))
        for number in range(1, max(records) + 1):
            out.write(records.get(number, bytes(RECORD)))
