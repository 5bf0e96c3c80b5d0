"""The writers of the test material: what they write is what Windows writes, by the word of somebody else's tools."""
import gzip
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import events  # noqa: E402
import evtx  # noqa: E402
import hive  # noqa: E402
import logs  # noqa: E402
import pe  # noqa: E402

AT = 1614744734.25  # 2021-03-03 04:12:14.250
SERVER = logs.ServerFacts("EX01", "mail.corp.example", "10.1.0.5", (15, 1, 2106, 2))


def tool(name, *arguments):
    """What a tool of the system prints; without the tool the test is skipped, loudly."""
    if not shutil.which(name):
        raise unittest.SkipTest(f"SKIPPED: {name} is not installed; scripts/packages.txt names its package")
    done = subprocess.run([name, *arguments], capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-generator-"))
        self.addCleanup(shutil.rmtree, self.folder)


class Evtx(Folder):
    def exported(self, *arguments):
        code, out, err = tool("evtxexport", *arguments, str(self.folder / "x.evtx"))
        self.assertEqual((code, err), (0, ""))
        return out

    def test_every_shape_is_read_by_libevtx(self):
        """Each kind of `events`, every field filled by its type."""
        samples = {"string": "text é ☃", "u8": 7, "u32": 77, "u64": 777, "hex64": 0x3e7, "sid": "S-1-5-18",
                   "guid": "{5AA13A44-10B3-68FC-4E1E-000000004002}", "time": AT}
        kinds = [kind for kind in vars(events).values() if isinstance(kind, evtx.Kind)]
        self.assertGreater(len(kinds), 15)
        with evtx.Writer(self.folder / "x.evtx", "Any", "EX01.corp.example") as log:
            for kind in kinds:
                data = ["Get-Mailbox", "-Identity \"x\"", ""] if kind.names is None else {
                    name.partition(":")[0]: samples[name.partition(":")[2] or "string"] for name in kind.names}
                log.add(kind, AT, data, user="S-1-5-18")
        xml = self.exported("-f", "xml")
        self.assertEqual(xml.count("<Event "), len(kinds))
        for kind in kinds:
            self.assertIn(f'<Provider Name="{kind.provider}"', xml)
            for name in kind.names or ():
                self.assertIn(f"<{name.partition(':')[0]}>" if kind.user_data else f'<Data Name="{name.partition(":")[0]}">', xml)
        self.assertIn('SystemTime="2021-03-03T04:12:14.250000000Z"', xml)
        self.assertIn("<Data>Get-Mailbox</Data>", xml)
        self.assertIn("text é ☃", xml)
        self.assertIn("S-1-5-18", xml)

    def test_ten_thousand_records_in_many_chunks(self):
        """None lost at the seams of the chunks, in order, each with its own text; a leap of record ids stays one."""
        with evtx.Writer(self.folder / "x.evtx", "MSExchange Management", "EX01.corp.example", first_id=500) as log:
            for number in range(10_000):
                if number == 6_000:
                    log.skip(250)
                log.add(events.CMDLET_SUCCEEDED, AT + number, events.cmdlet("Set-Mailbox", "-X " + "y" * (number % 97)))
                log.add(events.SYSMON_FILE, AT + number, events.sysmon_file("C:\\a.exe", f"C:\\{number}.aspx", "-"))
        ids = [int(one) for one in re.findall(r"^Event number\s*: (\d+)$", self.exported(), re.M)]
        self.assertEqual(ids, [*range(500, 12_500), *range(12_750, 20_750)])
        xml = self.exported("-f", "xml")
        self.assertEqual(re.findall(r'"TargetFilename">C:\\(\d+)\.aspx<', xml), [str(n) for n in range(10_000)])

    def test_checksums_and_tables(self):
        """What libevtx does not look at: the checksums, the string table, the counts."""
        with evtx.Writer(self.folder / "x.evtx", "Security", "EX01") as log:
            for number in range(3_000):
                log.add(events.PROCESS_CREATED, AT + number, events.process("a.exe", "a", "b.exe"))
        octets = (self.folder / "x.evtx").read_bytes()
        self.assertEqual(int.from_bytes(octets[124:128], "little"), zlib.crc32(octets[:120]))
        chunks = [octets[at:at + 65536] for at in range(4096, len(octets), 65536)]
        self.assertEqual(int.from_bytes(octets[42:44], "little"), len(chunks))
        for chunk in chunks:
            free = int.from_bytes(chunk[48:52], "little")
            self.assertEqual(int.from_bytes(chunk[52:56], "little"), zlib.crc32(chunk[512:free]))
            self.assertEqual(int.from_bytes(chunk[124:128], "little"),
                             zlib.crc32(chunk[128:512], zlib.crc32(chunk[:120])))
            for bucket in range(64):
                at = int.from_bytes(chunk[128 + 4 * bucket:132 + 4 * bucket], "little")
                while at:
                    count = int.from_bytes(chunk[at + 6:at + 8], "little")
                    name = chunk[at + 8:at + 8 + 2 * count].decode("utf-16-le")
                    self.assertEqual(int.from_bytes(chunk[at + 4:at + 6], "little"), evtx.name_hash(name))
                    self.assertEqual(evtx.name_hash(name) % 64, bucket)
                    at = int.from_bytes(chunk[at:at + 4], "little")

    def test_a_log_that_was_not_closed_says_one_chunk_and_holds_many(self):
        with evtx.Writer(self.folder / "x.evtx", "Security", "EX01", dirty=True) as log:
            for number in range(2_000):
                log.add(events.PROCESS_CREATED, AT + number, events.process("a.exe", "a", "b.exe"))
        octets = (self.folder / "x.evtx").read_bytes()
        self.assertEqual((octets[42], octets[120]), (1, 1))
        self.assertGreater(len(octets), 4096 + 5 * 65536)
        self.assertIn("Is dirty", tool("evtxinfo", str(self.folder / "x.evtx"))[1])
        self.assertEqual(len(re.findall(r"^Event number", self.exported("-m", "all"), re.M)), 2_000)

    def test_the_hash_of_names_is_the_one_of_windows(self):
        self.assertEqual([evtx.name_hash(name) for name in ("Event", "System", "Provider")], [0x0CBA, 0x546F, 0x7BF1])


class Hive(Folder):
    def test_keys_and_values_are_read_by_hivex(self):
        tasks = [(f"Task {number}", number % 2) for number in range(300)]
        hive.write(self.folder / "SOFTWARE", "SOFTWARE", hive.software("D:\\EX\\V15\\", (15, 1, 2106, 2), tasks))
        code, out, _ = tool("hivexget", str(self.folder / "SOFTWARE"), r"Microsoft\ExchangeServer\v15\Setup")
        self.assertEqual(code, 0)
        self.assertIn('"MsiInstallPath"="D:\\\\EX\\\\V15\\\\"', out)
        self.assertIn('"MsiBuildMajor"=dword:0000083a', out)
        _, out, _ = tool("hivexget", str(self.folder / "SOFTWARE"),
                         r"microsoft\windows nt\currentversion\schedule\taskcache\tree\TASK 299", "Id")
        self.assertEqual(out.strip(), "{7B1DA9C5-2A1B-4E6E-9E73-00000000012B}")
        _, out, _ = tool("hivexml", str(self.folder / "SOFTWARE"))
        self.assertEqual(out.count("<node "), 612)

    def test_every_type_of_value(self):
        values = {"a": "text ☃", "b": 5, "c": b"\1\2\3\4\5", "d": ["x", "y"], "e": ("expand", "%a%"), "ü": "", "ж": b"z" * 9000}
        hive.write(self.folder / "X", "X", {"Key": values, "Key\\é": {}, "Key\\ж": {"": "default"}})
        code, out, _ = tool("hivexml", str(self.folder / "X"))
        self.assertEqual(code, 0)
        for text in ("text ☃", 'key="b" value="5"', "AQIDBAU=", "<string>y</string>", "%a%", 'name="ж"', "default"):
            self.assertIn(text, out)

    def test_time_zone(self):
        hive.write(self.folder / "SYSTEM", "SYSTEM", hive.system("EX01", bias=-120))
        _, out, _ = tool("hivexget", str(self.folder / "SYSTEM"), r"ControlSet001\Control\TimeZoneInformation")
        self.assertIn('"Bias"=dword:ffffff88', out)


class Pe(Folder):
    def test_version_and_layout(self):
        for options in ({}, {"signed": False, "dll": True, "body": b"RegisterModule" * 900}):
            pe.write(self.folder / "ExSetup.exe", (15, 1, 1913, 10), {"OriginalFilename": "ExSetup.exe"}, **options)
            octets = (self.folder / "ExSetup.exe").read_bytes()
            info = octets.index("VS_VERSION_INFO".encode("utf-16-le")) - 6
            fixed = struct.unpack_from("<13I", octets, info + 40)
            self.assertEqual((fixed[0], fixed[2], fixed[3]), (0xFEEF04BD, 15 << 16 | 1, 1913 << 16 | 10))
            code, out, err = tool("objdump", "-p", str(self.folder / "ExSetup.exe"))
            self.assertEqual((code, err), (0, ""))
            size = struct.unpack_from("<H", octets, info)[0]
            self.assertIn("Entry: ID: 0x000010", out)
            self.assertRegex(out, rf"Leaf: Addr: 0x[0-9a-f]+, Size: 0x{size:06x}")
            self.assertRegex(out, r"Entry 4 0000000000000000 0{8}" if not options.get("signed", True) else
                             r"Entry 4 0000000000000[1-9a-f]00 00000020")
            self.assertIn("15.01.1913.10".encode("utf-16-le"), octets)


class Logs(Folder):
    def request(self, at=AT, **more):
        return logs.Request(at, "192.0.2.7", "POST", "/ecp/y.js", protocol="Ecp", agent="Mozilla/5.0 (KHTML, like Gecko)", **more)

    def test_a_web_log_says_its_columns_again_where_they_change(self):
        site = logs.IisSite(self.folder, "logs/W3SVC1", SERVER, [(0, logs.IIS_FIELDS), (AT + 1, logs.IIS_FIELDS_MORE)])
        site.add(self.request(user="CORP\\Ann Lee"))
        site.add(self.request(AT + 2, sc_bytes=5))
        site.end()
        lines = (self.folder / "logs/W3SVC1/u_ex210303.log").read_bytes().decode().split("\r\n")
        row, trailer = re.subn(r"&CorrelationID=<empty>;&cafeReqId=[0-9a-f-]+;&encoding=;", "T", lines[4])
        self.assertEqual((row, trailer), ("2021-03-03 04:12:14 10.1.0.5 POST /ecp/y.js T 443 CORP\\Ann+Lee 192.0.2.7 "
                                          "Mozilla/5.0+(KHTML,+like+Gecko) - 200 0 0 31", 1))
        self.assertEqual(lines[8], "#Fields: " + " ".join(logs.IIS_FIELDS_MORE))
        self.assertEqual(len(lines[9].split(" ")), len(logs.IIS_FIELDS_MORE))

    def test_the_proxy_log_has_the_columns_of_its_build(self):
        for build, fields in (((15, 0, 516, 32), logs.HTTPPROXY_2013), ((15, 1, 2106, 2), logs.HTTPPROXY_2016)):
            with self.subTest(build=build):
                proxy = logs.HttpProxy(self.folder, str(build[1]), SERVER._replace(build=build))
                proxy.add(self.request(anchor='ServerInfo~a]@x,"y":444/z#'))
                proxy.end()
                lines = (self.folder / f"{build[1]}/Ecp/HttpProxy_2021030304-1.LOG").read_text().splitlines()
                self.assertEqual(lines[5], "#Fields: " + ",".join(fields))
                self.assertIn('"ServerInfo~a]@x,""y"":444/z#"', lines[6])
                self.assertIn("(KHTML  like Gecko)", lines[6])

    def test_the_shapes_of_files(self):
        cases = {  # shape → what the file's octets are, of a file of "ab" and "cdefgh"
            logs.Shape(): b"ab\r\ncdefgh\r\n",
            logs.Shape(newline="\n", encoding="utf-8-sig"): b"\xef\xbb\xbfab\ncdefgh\n",
            logs.Shape(encoding="utf-16"): b"\xff\xfe" + "ab\r\ncdefgh\r\n".encode("utf-16-le"),
            logs.Shape(torn=True): b"ab\r\ncd",
            logs.Shape(zeros=5000): b"ab\r\ncdefgh\r\n" + b"\0" * 5000,
        }
        for shape, octets in cases.items():
            with self.subTest(shape=shape):
                log = logs.LogFile(self.folder, "a.log", shape)
                log.add("ab")
                log.add("cdefgh")
                self.assertEqual(log.close(), 2 if shape.torn else 0)
                self.assertEqual((self.folder / "a.log").read_bytes(), octets)
        log = logs.LogFile(self.folder, "a.log", logs.Shape(gz=True))
        log.add("ab")
        log.close()
        packed = (self.folder / "a.log.gz").read_bytes()
        self.assertEqual(gzip.decompress(packed), b"ab\r\n")
        self.assertEqual(packed[4:8], b"\0\0\0\0")


if __name__ == "__main__":
    unittest.main()
