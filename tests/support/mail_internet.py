"""A small internet of mail on loopback, for tests of `postern exposure`: one real BIND that is authoritative for the root, for
providers, and for domains that keep their mail in every way there is.

MailInternet(folder) starts it, reachable at 127.54.N.1 port 53 (Skipped where that cannot be had): BIND binds only to addresses that an
interface has, so it answers on a port of 127.0.0.1 and a relay stands before it. DOMAINS says what is true of each domain.
127.54.N.9 is where mail and web servers would be: it listens to their ports, and `visitors()` are those who came.
"""
import concurrent.futures
import contextlib
import os
import pathlib
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import dns.exception
import dns.message
import dns.query
import dns.rcode

START_SECONDS = 20
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from postern_process import free_port  # noqa: E402

PORTS = (25, 80, 443, 465, 587, 993)


class Skipped(Exception):
    """This machine cannot run it."""


# Zones of providers: what their names lead to.
PROVIDERS = {
    "outlook.com": """autodiscover A 192.0.2.11
spf.protection TXT "v=spf1 ip4:192.0.2.0/26 -all"
*.mail.protection A 192.0.2.12
""",
    "onmicrosoft.com": '*._domainkey.tenant TXT "v=DKIM1; k=rsa; p=MIIBIjAN"\n',
    "windows.net": "enterpriseregistration A 192.0.2.13\n",
    "google.com": 'smtp A 192.0.2.21\n_spf TXT "v=spf1 ip4:192.0.2.64/28 ~all"\n',
    "pphosted.com": "mxa-1.gslb A 192.0.2.31\nmxb-1.gslb A 192.0.2.32\n",
    "mimecast.com": "de-smtp-inbound-1 A 192.0.2.33\n",
    "hornetsecurity.com": "mx01 A 192.0.2.34\n",
    "ovh.net": "ex4.mail A 192.0.2.41\nmx1.mail A 192.0.2.42\n",
    "zoho.eu": "mx A 192.0.2.43\n",
    "ionos.de": "mx00 A 192.0.2.44\n",
    "cpanel.net": "cpanelemaildiscovery A 192.0.2.51\n",
    "msp.example": "mx1 A 198.51.100.161\nexchange A 198.51.100.162\n",
    "news.example": 'spf TXT "v=spf1 include:spf.protection.outlook.com -all"\n',
}

SITE = "@ A 198.51.100.80\nwww A 198.51.100.80\n"
CLOUD_MX = "@ MX 0 x.mail.protection.outlook.com.\n"
CLOUD_CLIENTS = "autodiscover CNAME autodiscover.outlook.com.\n"
CLOUD_DKIM = "selector1._domainkey CNAME selector1-x._domainkey.tenant.onmicrosoft.com.\n"
CLOUD_SPF = '@ TXT "v=spf1 include:spf.protection.outlook.com -all"\n'
OWN_MX = "@ MX 10 mail\nmail A 203.0.113.25\n"
OWN_CLIENTS = "autodiscover A 203.0.113.26\n"
GATEWAY_MX = "@ MX 10 mxa-1.gslb.pphosted.com.\n@ MX 10 mxb-1.gslb.pphosted.com.\n"

# domain: (class, behind, exposure, zone). {here} is the prefix of the test's own addresses.
DOMAINS = {
    "cloud.example": ("exchange-online", None, "unlikely", SITE + CLOUD_MX + CLOUD_CLIENTS + CLOUD_DKIM + CLOUD_SPF),
    "cloud-bare.example": ("exchange-online", None, "unlikely", CLOUD_MX),
    "cloud-left.example": ("exchange-online", None, "possible", CLOUD_MX + CLOUD_CLIENTS + "owa A 203.0.113.9\n"),
    "hybrid.example": ("hybrid", None, "likely", SITE + CLOUD_MX + CLOUD_SPF + OWN_CLIENTS + "hybrid A 203.0.113.26\n"),
    "hybrid-own.example": ("hybrid", None, "likely", SITE + OWN_MX + OWN_CLIENTS + CLOUD_DKIM + CLOUD_SPF),
    "onprem.example": ("on-premises", None, "likely", SITE + OWN_MX + OWN_CLIENTS + "owa A 203.0.113.26\n"),
    "onprem-srv.example": ("on-premises", None, "likely", SITE + OWN_MX + "_autodiscover._tcp SRV 0 0 443 mail\n"),
    "onprem-alias.example": ("on-premises", None, "likely", SITE + OWN_MX + "autodiscover CNAME mail\n"),
    "onprem-inside.example": ("on-premises", None, "possible", SITE + OWN_MX + "autodiscover A 10.0.0.26\n"),
    "google.example": ("google-workspace", None, "unlikely",
                       SITE + '@ MX 1 smtp.google.com.\n@ TXT "v=spf1 include:_spf.google.com ~all"\n'),
    "google-left.example": ("google-workspace", None, "possible", SITE + "@ MX 1 smtp.google.com.\n" + OWN_CLIENTS),
    "gateway.example": ("gateway", "unknown", "not-known", SITE + GATEWAY_MX),
    "gateway-own.example": ("gateway", "on-premises", "likely", SITE + GATEWAY_MX + OWN_CLIENTS),
    "gateway-cloud.example": ("gateway", "exchange-online", "unlikely",
                              "@ MX 10 de-smtp-inbound-1.mimecast.com.\n" + CLOUD_CLIENTS),
    "gateway-both.example": ("gateway", "hybrid", "likely",
                             "@ MX 10 mx01.hornetsecurity.com.\n" + OWN_CLIENTS + CLOUD_DKIM + CLOUD_SPF),
    "gateway-news.example": ("gateway", "unknown", "not-known", GATEWAY_MX + '@ TXT "v=spf1 include:spf.news.example -all"\n'),
    "zoho.example": ("vendor-hosted", None, "unlikely", "@ MX 10 mx.zoho.eu.\n"),
    "ionos.example": ("vendor-hosted", None, "unlikely", SITE + "@ MX 10 mx00.ionos.de.\n"),
    "ovh.example": ("vendor-hosted", None, "unlikely", "@ MX 1 mx1.mail.ovh.net.\n"),
    "ovh-exchange.example": ("vendor-hosted", None, "possible", "@ MX 1 ex4.mail.ovh.net.\nautodiscover CNAME ex4.mail.ovh.net.\n"),
    "hosted.example": ("vendor-hosted", None, "possible", "@ MX 10 mx1.msp.example.\nautodiscover CNAME exchange.msp.example.\n"),
    "cpanel.example": ("other-server", None, "unlikely",
                       "@ A 198.51.100.90\n@ MX 0 @\nautodiscover A 198.51.100.90\nautoconfig A 198.51.100.90\n"
                       "cpanel A 198.51.100.90\n_autodiscover._tcp SRV 0 0 443 cpanelemaildiscovery.cpanel.net.\n"),
    "null.example": ("no-mail", None, "unlikely", SITE + '@ MX 0 .\n@ TXT "v=spf1 -all"\n'),
    "empty.example": ("no-mail", None, "unlikely", '@ TXT "nothing here"\n'),
    "wild-alias.example": ("unknown", None, "not-known", SITE + OWN_MX + "* CNAME autodiscover.outlook.com.\n"),
    "wild-address.example": ("exchange-online", None, "unlikely", CLOUD_MX + "* A 203.0.113.26\n"),
    "circle.example": ("unknown", None, "not-known", SITE + OWN_MX + "autodiscover CNAME a\na CNAME b\nb CNAME autodiscover\n"),
    "bomb.example": ("exchange-online", None, "unlikely",
                     CLOUD_MX + '@ TXT "v=spf1 include:n0.bomb.example include:n1.bomb.example -all"\n'
                     + "".join(f'n{i} TXT "v=spf1 include:n{2 * i + 2}.bomb.example include:n{2 * i + 3}.bomb.example -all"\n'
                               for i in range(60))),
    "hostile.example": ("exchange-online", None, "unlikely",
                        CLOUD_MX + "".join(f'@ TXT "{i} \\027[31m"\n' for i in range(1500))),
    "trap.example": ("on-premises", None, "possible", "@ MX 10 mail\nmail A {here}9\nautodiscover A {here}9\nowa A {here}9\n"),
    "xn--bcher-kva.example": ("on-premises", None, "likely", SITE + OWN_MX + OWN_CLIENTS),
    # Delegated to a server that is not there, and to one that knows nothing of it.
    "dead.example": ("unknown", None, "not-known", None),
    "lame.example": ("unknown", None, "not-known", None),
    "nobody.example": ("no-such-domain", None, "not-known", None),
}


class Listener(threading.Thread):
    """Takes connections to the ports of mail and web servers, and keeps who they were from."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.sockets = []
        for port in PORTS:
            sock = socket.create_server((address, port))
            self.sockets.append(sock)
        self.stop_reading, self.stop_writing = socket.socketpair()
        self.visitors = []

    def run(self):
        selector = selectors.DefaultSelector()
        for sock in [*self.sockets, self.stop_reading]:
            selector.register(sock, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is self.stop_reading:
                    return
                connection, peer = key.fileobj.accept()
                self.visitors.append((key.fileobj.getsockname()[1], peer))
                connection.close()

    def close(self):
        self.stop_writing.send(b"x")
        self.join()
        for sock in [*self.sockets, self.stop_reading, self.stop_writing]:
            sock.close()


class Relay:
    """Hands what comes to an address's port 53, by UDP and TCP, to a server on another port, and its answers back."""

    def __init__(self, address, server):
        self.server = server
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, 53))
        self.tcp = socket.create_server((address, 53))
        self.pool = concurrent.futures.ThreadPoolExecutor(32)
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self._take_datagrams, self._take_connections)]
        for thread in self.threads:
            thread.start()

    def _take_datagrams(self):
        with contextlib.suppress(OSError, RuntimeError):  # Closed.
            while True:
                wire, peer = self.udp.recvfrom(65535)
                self.pool.submit(self._relay_datagram, wire, peer)

    def _relay_datagram(self, wire, peer):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
            sock.settimeout(5)
            sock.sendto(wire, self.server)
            self.udp.sendto(sock.recv(65535), peer)

    def _take_connections(self):
        with contextlib.suppress(OSError, RuntimeError):
            while True:
                connection, _ = self.tcp.accept()
                self.pool.submit(self._relay_stream, connection)

    def _relay_stream(self, connection):
        with connection, contextlib.suppress(OSError), socket.create_connection(self.server, 5) as upstream:
            connection.settimeout(5)
            for source, target in ((connection, upstream), (upstream, connection)):
                with source.makefile("rb") as stream:
                    size = stream.read(2)
                    if len(size) == 2:
                        target.sendall(size + stream.read(int.from_bytes(size, "big")))

    def close(self):
        for sock in (self.udp, self.tcp):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # Wakes who waits in it; close alone does not.
            sock.close()
        self.pool.shutdown(cancel_futures=True)


class Refuser(threading.Thread):
    """A name server that knows nothing of what it is asked for."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))

    def run(self):
        with contextlib.suppress(OSError):  # Closed.
            while True:
                wire, peer = self.socket.recvfrom(65535)
                with contextlib.suppress(dns.exception.DNSException):
                    answer = dns.message.make_response(dns.message.from_wire(wire))
                    answer.set_rcode(dns.rcode.REFUSED)
                    self.socket.sendto(answer.to_wire(), peer)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # Wakes who waits in it.
        self.socket.close()


class MailInternet:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.process = self.listener = self.relay = self.refuser = self.lock = None
        named = shutil.which("named", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if not named:
            raise Skipped("named is not installed")
        self._take_prefix()
        try:
            self.port = free_port()
            self._write()
            self.relay = Relay(self.prefix + "1", ("127.0.0.1", self.port))
            self.refuser = Refuser(self.prefix + "2")
            self.refuser.start()
            self.listener = Listener(self.prefix + "9")
            self.listener.start()
            with open(self.folder / "named.log", "wb") as log:
                self.process = subprocess.Popen([named, "-g", "-n", "1", "-c", str(self.folder / "named.conf")],
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self._wait()
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for owned in (self.listener, self.relay, self.refuser, self.lock):
            if owned:
                owned.close()
        self.process = self.listener = self.relay = self.refuser = self.lock = None

    def visitors(self):
        return list(self.listener.visitors)

    def config(self):
        """The resolver section of a configuration that recurses here."""
        return {"root_hints_file": str(self.folder / "root.hints"), "dnssec": False, "query_localhost": True,
                "answer_deadline_ms": 4000}

    def set_zone(self, domain, text):
        """Another zone for a domain, in force when this returns."""
        self._write_zone(domain, text)
        before = self._log().count("all zones loaded")
        self.process.send_signal(signal.SIGHUP)  # Read the zones again.
        end = time.monotonic() + START_SECONDS
        while self._log().count("all zones loaded") <= before:
            if time.monotonic() > end:
                raise AssertionError("named did not reload: " + self._log()[-2000:])
            time.sleep(0.05)  # A look at its log each time.

    def _log(self):
        return (self.folder / "named.log").read_text(errors="replace")

    def _take_prefix(self):
        for number in range(256):
            lock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                lock.bind((f"127.54.{number}.254", 53))
                lock.listen(1)
            except PermissionError as error:
                lock.close()
                raise Skipped("needs root for port 53") from error
            except OSError:
                lock.close()
                continue
            self.lock, self.prefix = lock, f"127.54.{number}."
            return
        raise Skipped("all of 127.54.0.0/16 is taken")

    def _write_zone(self, origin, text):
        self.serial = getattr(self, "serial", 0) + 1
        head = f"$ORIGIN {origin}.\n$TTL 60\n@ SOA ns.root-servers.example. x.example. {self.serial} 3600 900 604800 5\n@ NS ns.root-servers.example.\n"
        (self.folder / f"{origin}.zone").write_text(head + text.replace("{here}", self.prefix))

    def _write(self):
        zones = {**PROVIDERS, **{name: spec[3] for name, spec in DOMAINS.items() if spec[3] is not None}}
        for origin, text in zones.items():
            self._write_zone(origin, text)
        root = (f"$TTL 60\n. SOA ns.root-servers.example. x.example. 1 3600 900 604800 5\n. NS ns.root-servers.example.\n"
                f"ns.root-servers.example. A {self.prefix}1\n")
        for origin in zones:
            root += f"{origin}. NS ns.root-servers.example.\n"
        root += f"dead.example. NS ns.dead.example.\nns.dead.example. A {self.prefix}200\n"
        root += f"lame.example. NS ns.lame.example.\nns.lame.example. A {self.prefix}2\n"
        (self.folder / "root.zone").write_text(root)
        (self.folder / "root.hints").write_text(f". 3600000 NS ns.\nns. 3600000 A {self.prefix}1\n")
        listed = "".join(f'zone "{origin}" {{ type primary; file "{origin}.zone"; check-names ignore; check-mx ignore; '
                         "check-integrity no; check-srv-cname ignore; check-mx-cname ignore; };\n" for origin in zones)
        (self.folder / "named.conf").write_text(
            f'options {{ directory "{self.folder}"; listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n'
            "recursion no; dnssec-validation no; pid-file none; allow-query { any; }; notify no; minimal-responses no;\n"
            "max-records-per-type 0;\n"
            f'session-keyfile "{self.folder}/session.key"; }};\ncontrols {{ }};\n'
            f'zone "." {{ type primary; file "root.zone"; check-names ignore; check-integrity no; }};\n{listed}')

    def _wait(self):
        end = time.monotonic() + START_SECONDS
        query = dns.message.make_query("onprem.example.", "MX")
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError("named ended: " + self._log()[-3000:])
            with contextlib.suppress(dns.exception.Timeout, OSError):
                if dns.query.udp(query, self.prefix + "1", timeout=0.3).answer:
                    return
            time.sleep(0.05)  # It refuses until its zones are loaded.
        raise AssertionError("named does not answer: " + self._log()[-3000:])
