"""Minimal PE files (PE32+) with a VS_VERSIONINFO: what stands for bin\\ExSetup.exe, for IIS modules and App_Web DLLs.
There is no code in them: the entry point is a `ret`."""
import pathlib
import struct

_ALIGN = 0x200


def _padded(octets, to=4):
    return octets + b"\0" * (-len(octets) % to)


def _block(key, value, children=b"", text=False):
    """A node of VS_VERSIONINFO: length, length of the value, kind, key, value, children, each aligned to 4."""
    head = key.encode("utf-16-le") + b"\0\0"
    count = len(value) // 2 if text else len(value)
    body = _padded(b"\0" * 6 + head) + _padded(value) + children
    length = len(body) if children else len(_padded(b"\0" * 6 + head)) + len(value)
    return struct.pack("<HHH", length, count, 1 if text else 0) + body[6:]


def version_info(version, texts):
    """The resource: the fixed part with `version` as a tuple of four, and texts by name."""
    major, minor, build, revision = version
    fixed = struct.pack("<13I", 0xFEEF04BD, 0x10000, major << 16 | minor, build << 16 | revision, major << 16 | minor,
                        build << 16 | revision, 0x3F, 0, 0x40004, 1, 0, 0, 0)
    strings = b"".join(_padded(_block(name, value.encode("utf-16-le") + b"\0\0", text=True)) for name, value in texts.items())
    table = _block("StringFileInfo", b"", _block("040904b0", b"", strings, True), True)
    translation = _block("VarFileInfo", b"", _block("Translation", struct.pack("<HH", 0x409, 1200)), True)
    return _block("VS_VERSION_INFO", fixed, _padded(table) + translation)


def _resources(info, at):
    """A resource section of one RT_VERSION; `at` is the section's place in memory."""
    def directory(number, place):
        return struct.pack("<IIHHHHII", 0, 0, 0, 0, 0, 1, number, place)
    tree = directory(16, 0x80000018) + directory(1, 0x80000030) + directory(1033, 0x48)
    return tree + struct.pack("<IIII", at + 0x58, len(info), 0, 0) + info


def image(version, texts=None, *, dll=False, signed=True, body=b""):
    """A PE file. `signed`: it names a certificate table (which holds nothing that verifies). `body` lies behind the
    code, for what looks at strings."""
    texts = {"CompanyName": "Microsoft Corporation", "FileVersion": ".".join(f"{part:02d}" for part in version)} | (texts or {})
    code = (b"\xc3" + b"\xcc" * 15 + body).ljust(_ALIGN, b"\0")
    code = _padded(code, _ALIGN)
    code_at = 0x1000
    resource_at = code_at + (len(code) + 0xFFF) // 0x1000 * 0x1000
    resources = _resources(version_info(version, texts), resource_at)
    raw_resources = _padded(resources, _ALIGN)
    total = resource_at + (len(resources) + 0xFFF) // 0x1000 * 0x1000
    certificate = struct.pack("<IHH", 32, 0x200, 2) + b"\0" * 24 if signed else b""
    certificate_at = 0x400 + len(code) + len(raw_resources)
    directories = [(0, 0)] * 16
    directories[2] = (resource_at, len(resources))
    directories[4] = (certificate_at, len(certificate)) if signed else (0, 0)
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, 2, 0x5F5E1000, 0, 0, 240, 0x2022 if dll else 0x0022)
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20B, 14, 0, len(code), len(raw_resources), 0, code_at,
                           code_at, 0x180000000 if dll else 0x140000000, 0x1000, _ALIGN, 6, 0, 0, 0, 6, 0, 0, total, 0x400,
                           0, 3, 0x8160, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    optional += b"".join(struct.pack("<II", *one) for one in directories)
    sections = struct.pack("<8sIIIIIIHHI", b".text", len(code), code_at, len(code), 0x400, 0, 0, 0, 0, 0x60000020)
    sections += struct.pack("<8sIIIIIIHHI", b".rsrc", len(resources), resource_at, len(raw_resources), 0x400 + len(code),
                            0, 0, 0, 0, 0x40000040)
    stub = b"MZ".ljust(60, b"\0") + struct.pack("<I", 0x80)
    return (stub.ljust(0x80, b"\0") + coff + optional + sections).ljust(0x400, b"\0") + code + raw_resources + certificate


def write(path, version, texts=None, **options):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_bytes(image(version, texts, **options))
