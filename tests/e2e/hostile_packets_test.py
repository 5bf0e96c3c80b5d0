"""Truncated, looping and random packets: nothing but FORMERR or silence, and the server goes on."""
import pathlib
import random
import socket
import struct
import sys
import unittest

import dns.message

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from postern_process import Postern, rcode  # noqa: E402

HEADER = struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, 0)
QUESTION = b"\x09localhost\x00\x00\x01\x00\x01"


class HostilePackets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postern = Postern().start()

    @classmethod
    def tearDownClass(cls):
        cls.postern.__exit__(None, None, None)

    def exchange(self, packet):
        """The answer to a datagram, or None; a good query behind it shows that the server is there."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(3)
            sock.connect(("127.0.0.1", self.postern.port))
            sock.send(packet)
            marker = dns.message.make_query("localhost", "A", id=0x4321).to_wire()
            sock.send(marker)
            first = sock.recv(4096)
            if first[:2] == marker[:2]:
                return None
            self.assertEqual(sock.recv(4096)[:2], marker[:2])
            return first

    def test_packets(self):
        cases = [
            ("empty", b"", None),
            ("eleven octets", HEADER[:11], None),
            ("a header alone", HEADER, 1),
            ("an answer", struct.pack("!6H", 0x1234, 0x8180, 1, 0, 0, 0) + QUESTION, None),
            ("a torn question", HEADER + QUESTION[:8], 1),
            ("a pointer to itself", HEADER + b"\xc0\x0c\x00\x01\x00\x01", 1),
            ("a pointer forwards", HEADER + b"\xc0\x20\x00\x01\x00\x01" + b"\x00" * 20, 1),
            ("a label of type 01", HEADER + b"\x41a\x00\x00\x01\x00\x01", 1),
            ("two questions", struct.pack("!6H", 0x1234, 0x0100, 2, 0, 0, 0) + QUESTION * 2, 1),
            ("no question", struct.pack("!6H", 0x1234, 0x0100, 0, 0, 0, 0), 1),
            ("an update", struct.pack("!6H", 0x1234, 0x2800, 1, 0, 0, 0) + QUESTION, 4),
            ("two OPT records", struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, 2) + QUESTION + b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00" * 2, 1),
            ("a count with nothing behind it", struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, 9) + QUESTION, 1),
        ]
        for what, packet, code in cases:
            with self.subTest(what):
                answer = self.exchange(packet)
                if code is None:
                    self.assertIsNone(answer)
                else:
                    self.assertIsNotNone(answer)
                    self.assertEqual(answer[:2], packet[:2])
                    self.assertEqual(answer[3] & 0xf, code)

    def test_random_and_mutated_packets(self):
        source = random.Random(7)
        good = dns.message.make_query("www.example.org", "HTTPS", use_edns=0, want_dnssec=True).to_wire()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", self.postern.port))
            for round_ in range(3000):
                packet = bytearray(good if round_ % 2 else source.randbytes(source.randrange(1, 600)))
                for _ in range(source.randrange(1, 6)):
                    packet[source.randrange(len(packet))] = source.randrange(256)
                sock.send(packet[:source.randrange(1, len(packet) + 1)])
        self.assertEqual(rcode(self.postern.ask("localhost")), "NOERROR")
        self.assertIsNone(self.postern.process.poll())

    def test_edns_version_1_is_badvers(self):
        self.assertIn("BADVERS", self.postern.dig("+edns=1", "+noednsnegotiation", "localhost"))

    def test_torn_and_oversized_tcp_frames(self):
        for octets in (b"\x00", b"\x00\x00", b"\xff\xff" + b"\x00" * 100, b"\x00\x05hello"):
            with self.subTest(octets[:4]), socket.create_connection(("127.0.0.1", self.postern.port), 3) as sock:
                sock.sendall(octets)
        query = dns.message.make_query("localhost", "A").to_wire()
        framed = struct.pack("!H", len(query)) + query
        with socket.create_connection(("127.0.0.1", self.postern.port), 3) as sock:
            for octet in framed:  # An octet at a time.
                sock.sendall(bytes([octet]))
            size = struct.unpack("!H", sock.recv(2))[0]
            self.assertGreater(size, 12)


if __name__ == "__main__":
    unittest.main()
