"""The zones of the private internet: their records, and a small DNSSEC signer.

Signing happens here and not in the name server, so that wrong, missing and outdated
signatures are as easy to make as good ones. RFC 4034, 4035 and 5155.
"""

import base64
import hashlib
import time

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

IN = dns.rdataclass.IN
DAY = 86400
TTL = 300


class Key:
    """An ECDSA P-256 key that signs everything in a zone (a CSK: flags 257)."""

    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())
        point = self.private.public_key().public_numbers()
        octets = point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
        self.dnskey = dns.rdata.from_text(
            IN, dns.rdatatype.DNSKEY, "257 3 13 " + base64.b64encode(octets).decode())
        self.tag = dns.dnssec.key_id(self.dnskey)

    def ds(self, origin):
        return dns.dnssec.make_ds(dns.name.from_text(origin), self.dnskey, "SHA256").to_text()

    def sign(self, origin, owner, rdataset, inception, expiration):
        """The RRSIG of one RRset; `owner` absolute."""
        labels = len(owner) - 1 - (1 if owner.is_wild() else 0)
        template = dns.rdata.from_text(IN, dns.rdatatype.RRSIG, (
            f"{dns.rdatatype.to_text(rdataset.rdtype)} 13 {labels} {rdataset.ttl} "
            f"{int(expiration)} {int(inception)} {self.tag} {origin} AA=="))
        name = owner.to_digestable()
        fixed = (int(rdataset.rdtype).to_bytes(2, "big") + b"\0\1" +
                 int(rdataset.ttl).to_bytes(4, "big"))
        data = template.to_wire()[:18] + template.signer.to_digestable()
        for wire in sorted(rdata.to_digestable() for rdata in rdataset):
            data += name + fixed + len(wire).to_bytes(2, "big") + wire
        r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return template.replace(signature=r.to_bytes(32, "big") + s.to_bytes(32, "big"))


class Zone:
    """One zone as text, with what is needed to sign it.

    `signing`: "none", "nsec", "nsec3"; `parent_ds`: "right", "wrong", "none": what the
    delegation says; `inception` and `lifetime` in seconds, relative to now.
    """

    def __init__(self, origin, server, body, signing="none", parent_ds=None, inception=-DAY,
                 lifetime=30 * DAY):
        self.origin = origin
        self.server = server
        self.body = body
        self.signing = signing
        self.parent_ds = parent_ds or ("none" if signing == "none" else "right")
        self.inception = inception
        self.lifetime = lifetime
        self.key = Key() if self.parent_ds == "right" or signing != "none" else None

    def ds(self):
        """The DS that the parent publishes; nothing where it publishes none."""
        if self.parent_ds == "none":
            return None
        key = Key() if self.parent_ds == "wrong" else self.key
        return key.ds(self.origin)

    def text(self, delegations=""):
        source = f"$TTL {TTL}\n" + self.body + delegations
        zone = dns.zone.from_text(source, dns.name.from_text(self.origin), relativize=False,
                                  check_origin=False)
        if self.signing != "none":
            self._sign(zone)
        return zone.to_text(relativize=False)

    def _sign(self, zone):
        origin = dns.name.from_text(self.origin)
        apex = zone.find_rdataset(origin, dns.rdatatype.DNSKEY, create=True)
        apex.add(self.key.dnskey, TTL)
        cuts = [name for name, node in zone.items()
                if name != origin and node.get_rdataset(IN, dns.rdatatype.NS)]
        visible = [name for name in zone.keys()
                   if not any(name != cut and name.is_subdomain(cut) for cut in cuts)]
        if self.signing == "nsec3":
            signable = self._add_nsec3(zone, origin, visible, cuts)
        else:
            signable = self._add_nsec(zone, visible, cuts)
        now = time.time()
        for name in signable:
            node = zone.find_node(name)
            for rdataset in list(node.rdatasets):
                if name in cuts and rdataset.rdtype not in (dns.rdatatype.DS, dns.rdatatype.NSEC):
                    continue
                signature = self.key.sign(self.origin, name, rdataset, now + self.inception,
                                          now + self.inception + self.lifetime)
                zone.find_rdataset(name, dns.rdatatype.RRSIG, covers=rdataset.rdtype,
                                   create=True).add(signature, rdataset.ttl)

    @staticmethod
    def _types(zone, name, cuts):
        types = {rdataset.rdtype for rdataset in zone.find_node(name).rdatasets}
        if name in cuts:
            types &= {dns.rdatatype.NS, dns.rdatatype.DS}
        return [dns.rdatatype.to_text(rdtype) for rdtype in sorted(types)]

    def _add_nsec(self, zone, visible, cuts):
        names = sorted(visible)
        for index, name in enumerate(names):
            following = names[(index + 1) % len(names)]
            types = " ".join(self._types(zone, name, cuts) + ["RRSIG", "NSEC"])
            zone.find_rdataset(name, dns.rdatatype.NSEC, create=True).add(
                dns.rdata.from_text(IN, dns.rdatatype.NSEC, f"{following} {types}"), TTL)
        return names

    def _add_nsec3(self, zone, origin, visible, cuts):
        zone.find_rdataset(origin, dns.rdatatype.NSEC3PARAM, create=True).add(
            dns.rdata.from_text(IN, dns.rdatatype.NSEC3PARAM, "1 0 0 -"), TTL)
        names = set(visible)
        for name in visible:  # Empty non-terminals have a hash too, RFC 5155 §7.1.
            while name != origin:
                name = name.parent()
                names.add(name)
        hashed = sorted((nsec3_hash(name), name) for name in names)
        owners = []
        for index, (digest, name) in enumerate(hashed):
            following = hashed[(index + 1) % len(hashed)][0]
            types = self._types(zone, name, cuts) if zone.get_node(name) else []
            if types and (name not in cuts or "DS" in types):
                types.append("RRSIG")
            owner = dns.name.from_text(digest, origin)
            zone.find_rdataset(owner, dns.rdatatype.NSEC3, create=True).add(
                dns.rdata.from_text(IN, dns.rdatatype.NSEC3,
                                    f"1 0 0 - {following} {' '.join(types)}"), TTL)
            owners.append(owner)
        return list(visible) + owners


def nsec3_hash(name):
    digest = hashlib.sha1(name.to_digestable()).digest()
    text = base64.b32encode(digest).decode()
    return text.translate(str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
                                        "0123456789ABCDEFGHIJKLMNOPQRSTUV")).lower()


def _apex(origin, address):
    dot = "" if origin == "." else origin
    return (f"{origin} SOA ns.{dot} hostmaster.{dot} 1 3600 900 604800 60\n"
            f"{origin} NS ns.{dot}\nns.{dot} A {address}\n")


def build(prefix):
    """All zones; `prefix` is "127.53.N.": the servers are .1 (root), .2 (top level), .3 (the
    rest), .8 (nobody listens), .9 (never answers), .10 (slow)."""
    root, top, leaf = prefix + "1", prefix + "2", prefix + "3"
    long_text = " ".join('"' + f"{n:02d}" + "x" * 240 + '"' for n in range(14))
    hosts = "".join(f"h{n} A 192.0.2.{n % 250 + 1}\n" for n in range(1000))
    signed = _apex("signed.example.", leaf) + f"""
$ORIGIN signed.example.
@ A 192.0.2.10
@ MX 10 mail
mail A 192.0.2.25
www A 192.0.2.1
www AAAA 2001:db8::1
www HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1
svc HTTPS 0 bad.malware.example.
txt TXT "hello"
big TXT {long_text}
alias CNAME www
to-insecure CNAME www.insecure.example.
chain CNAME hop1
hop1 CNAME hop2.insecure.example.
loop1 CNAME loop2
loop2 CNAME loop1
dname DNAME target
host.target A 192.0.2.7
*.wild A 192.0.2.8
a.b.ent A 192.0.2.9
rebind A 10.1.2.3
{hosts}"""
    insecure = _apex("insecure.example.", leaf) + """
$ORIGIN insecure.example.
www A 192.0.2.21
www AAAA 2001:db8::21
hop2 CNAME bad.malware.example.
*.many A 192.0.2.22
big TXT """ + long_text + "\n"
    malware = _apex("malware.example.", leaf) + """
$ORIGIN malware.example.
bad A 203.0.113.66
bad AAAA 2001:db8:bad::66
bad HTTPS 1 . alpn=h2 ipv4hint=203.0.113.66
* A 203.0.113.67
"""

    def simple(origin):
        return _apex(origin, leaf) + f"www.{origin} A 192.0.2.30\nwww.{origin} TXT \"{origin}\"\n"

    return [
        Zone(".", root, _apex(".", root), "nsec"),
        Zone("example.", top, _apex("example.", top), "nsec"),
        Zone("org.", top, _apex("org.", top), "nsec3"),
        Zone("signed.example.", leaf, signed, "nsec"),
        Zone("nsec3.example.", leaf, simple("nsec3.example."), "nsec3"),
        Zone("insecure.example.", leaf, insecure),
        Zone("malware.example.", leaf, malware),
        Zone("bogus.example.", leaf, simple("bogus.example."), "nsec", "wrong"),
        Zone("expired.example.", leaf, simple("expired.example."), "nsec",
             inception=-60 * DAY),
        Zone("early.example.", leaf, simple("early.example."), "nsec", inception=30 * DAY),
        Zone("nosig.example.", leaf, simple("nosig.example."), "none", "right"),
        Zone("shop.org.", leaf, simple("shop.org."), "nsec"),
        Zone("news.org.", leaf, simple("news.org.")),
    ]


# Zones that no name server of ours holds: origin -> last octet of the address.
BROKEN = {"lame.example.": 3, "gone.example.": 8, "dead.example.": 9, "slow.example.": 10}


def delegations(zones, parent, prefix):
    """The NS, glue and DS records for the children of `parent`."""
    parent_name = dns.name.from_text(parent.origin)
    lines = []
    for zone in zones:
        origin = dns.name.from_text(zone.origin)
        if origin == dns.name.root or origin.parent() != parent_name:
            continue
        lines.append(f"{zone.origin} NS ns.{zone.origin}\nns.{zone.origin} A {zone.server}\n")
        ds = zone.ds()
        if ds:
            lines.append(f"{zone.origin} DS {ds}\n")
    for origin, last in BROKEN.items():
        if dns.name.from_text(origin).parent() == parent_name:
            lines.append(f"{origin} NS ns.{origin}\nns.{origin} A {prefix}{last}\n")
    return "".join(lines)


# What a validating resolver must find: name, type, rcode, security, some of the data. "fail"
# is SERVFAIL because nothing could be reached; "bogus" SERVFAIL because validation failed.
EXPECTED = [
    ("www.signed.example.", "A", "NOERROR", "secure", ["192.0.2.1"]),
    ("www.signed.example.", "AAAA", "NOERROR", "secure", ["2001:db8::1"]),
    ("www.signed.example.", "HTTPS", "NOERROR", "secure", []),
    ("www.signed.example.", "MX", "NOERROR", "secure", []),
    ("txt.signed.example.", "TXT", "NOERROR", "secure", ['"hello"']),
    ("big.signed.example.", "TXT", "NOERROR", "secure", []),
    ("alias.signed.example.", "A", "NOERROR", "secure", ["www.signed.example.", "192.0.2.1"]),
    ("host.dname.signed.example.", "A", "NOERROR", "secure", ["192.0.2.7"]),
    ("any.wild.signed.example.", "A", "NOERROR", "secure", ["192.0.2.8"]),
    ("b.ent.signed.example.", "A", "NOERROR", "secure", []),
    ("none.signed.example.", "A", "NXDOMAIN", "secure", []),
    ("www.nsec3.example.", "A", "NOERROR", "secure", ["192.0.2.30"]),
    ("none.nsec3.example.", "A", "NXDOMAIN", "secure", []),
    ("www.shop.org.", "A", "NOERROR", "secure", ["192.0.2.30"]),
    ("none.org.", "A", "NXDOMAIN", "secure", []),
    ("www.news.org.", "A", "NOERROR", "insecure", ["192.0.2.30"]),
    ("www.insecure.example.", "A", "NOERROR", "insecure", ["192.0.2.21"]),
    ("none.insecure.example.", "A", "NXDOMAIN", "insecure", []),
    ("to-insecure.signed.example.", "A", "NOERROR", "insecure", ["192.0.2.21"]),
    ("chain.signed.example.", "A", "NOERROR", "insecure",
     ["hop1.signed.example.", "hop2.insecure.example.", "bad.malware.example.", "203.0.113.66"]),
    ("bad.malware.example.", "A", "NOERROR", "insecure", ["203.0.113.66"]),
    ("www.slow.example.", "A", "NOERROR", "insecure", ["192.0.2.99"]),
    ("www.bogus.example.", "A", "SERVFAIL", "bogus", []),
    ("www.expired.example.", "A", "SERVFAIL", "bogus", []),
    ("www.early.example.", "A", "SERVFAIL", "bogus", []),
    ("www.nosig.example.", "A", "SERVFAIL", "bogus", []),
    ("www.lame.example.", "A", "SERVFAIL", "fail", []),
    ("www.gone.example.", "A", "SERVFAIL", "fail", []),
    ("www.dead.example.", "A", "SERVFAIL", "fail", []),
]
