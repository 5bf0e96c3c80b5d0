"""What the benchmarks share: the servers that are measured, each with the same rules, and how they are asked."""
import os
import pathlib
import random
import shutil
import subprocess
import time

import dns.exception
import dns.message
import dns.query
import dns.rcode
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")
UPSTREAM = "127.0.0.1:5390"
PORT = 5391


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def rss_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def spawn(command, folder, name, core):
    log = open(pathlib.Path(folder) / f"{name}.log", "wb")
    return subprocess.Popen(["taskset", "-c", str(core), *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def stop(process):
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def make_rules(count, seed=1):
    source = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    rules = set()
    while len(rules) < count:
        rules.add("".join(source.choices(letters, k=source.randrange(6, 15))) + f"{len(rules) % 97}."
                  + source.choice(["com", "net", "org", "info", "xyz", "top"]))
    return sorted(rules)


def postern(folder, rules, binary):
    (folder / "rules").write_text("".join(f"*.{name}\n" for name in rules))
    config = {"server": {"listen": [f"127.0.0.1:{PORT}"], "workers": 1},
              "resolver": {"mode": "forward", "threads": 1, "forward": [{"zone": ".", "servers": [f"udp://{UPSTREAM}"]}]},
              "console": {"enabled": False}, "state_dir": str(folder / "state"),
              "journal": {"enabled": False},
              "feeds": [{"name": "rules", "format": "wildcard", "path": str(folder / "rules")}]}
    (folder / "postern.yaml").write_text(yaml.safe_dump(config))
    return [binary, "serve", "-c", str(folder / "postern.yaml")]


def postern_journal(folder, rules, binary):
    command = postern(folder, rules, binary)
    config = yaml.safe_load((folder / "postern.yaml").read_text())
    config["journal"] = {"enabled": True}
    (folder / "postern.yaml").write_text(yaml.safe_dump(config))
    return command


def rpz(folder, rules, serial=1):
    with open(folder / "rpz", "w") as file:
        file.write(f"$TTL 60\n@ SOA localhost. hostmaster.rpz. {serial} 3600 600 86400 60\n@ NS localhost.\n")
        for name in rules:
            file.write(f"{name} CNAME .\n*.{name} CNAME .\n")


def unbound(folder, rules, _):
    rpz(folder, rules)
    address, port = UPSTREAM.split(":")
    (folder / "unbound.conf").write_text(f"""server:
  interface: 127.0.0.1@{PORT}
  num-threads: 1
  so-reuseport: yes
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "respip iterator"
  msg-cache-size: 64m
  rrset-cache-size: 128m
  outgoing-range: 900
  num-queries-per-thread: 1024
remote-control:
  control-enable: yes
  control-interface: "{folder}/control"
  control-use-cert: no
rpz:
  name: rpz
  zonefile: "{folder}/rpz"
forward-zone:
  name: "."
  forward-addr: {address}@{port}
""")
    return [shutil.which("unbound") or "/usr/sbin/unbound", "-d", "-c", str(folder / "unbound.conf")]


def bind(folder, rules, _):
    rpz(folder, rules)
    address, port = UPSTREAM.split(":")
    (folder / "named.conf").write_text(f"""options {{
  directory "{folder}"; pid-file none; session-keyfile none; listen-on port {PORT} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }}; recursion yes; forward only; forwarders port {port} {{ {address}; }};
  dnssec-validation no; response-policy {{ zone "rpz"; }} qname-wait-recurse no; minimal-responses yes;
  max-cache-size 256m; recursive-clients 10000;
}};
logging {{ category default {{ default_stderr; }}; category rpz {{ null; }}; category query-errors {{ null; }}; }};
controls {{ }};
zone "rpz" {{ type primary; file "{folder}/rpz"; }};
""")
    return [shutil.which("named") or "/usr/sbin/named", "-f", "-n", "1", "-c", str(folder / "named.conf")]


def pdns(folder, rules, _):
    rpz(folder, rules)
    (folder / "policy.lua").write_text(f'rpzFile("{folder}/rpz", {{policyName="rpz"}})\n')
    (folder / "recursor.conf").write_text(f"""local-address=127.0.0.1
local-port={PORT}
socket-dir={folder}
daemon=no
disable-syslog=yes
write-pid=no
threads=1
pdns-distributes-queries=no
dnssec=off
dont-query=
qname-minimization=no
forward-zones-recurse=.={UPSTREAM}
lua-config-file={folder}/policy.lua
""")
    return [shutil.which("pdns_recursor") or "/usr/sbin/pdns_recursor", f"--config-dir={folder}"]


def kresd(folder, rules, _):
    rpz(folder, rules)
    (folder / "kresd.conf").write_text(f"""net.listen('127.0.0.1', {PORT}, {{ kind = 'dns' }})
trust_anchors.remove('.')
cache.size = 200 * MB
policy.add(policy.rpz(policy.DENY, '{folder}/rpz', true))
policy.add(policy.all(policy.FORWARD({{ '{UPSTREAM.replace(":", "@")}' }})))
""")
    return [shutil.which("kresd") or "/usr/sbin/kresd", "-n", "-c", str(folder / "kresd.conf"), str(folder)]


def ask(name, timeout=0.2):
    return dns.query.udp(dns.message.make_query(name, "A", use_edns=False), "127.0.0.1", port=PORT, timeout=timeout)


def wait_until_blocking(rules, process, limit=180):
    """Seconds until the last of 50 sampled rules is in force: BIND puts them in force little by little."""
    began = time.monotonic()
    left = random.Random(4).sample(rules, min(50, len(rules)))
    while time.monotonic() - began < limit:
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}")
        try:
            while left and ask(left[-1]).rcode() == dns.rcode.NXDOMAIN:
                left.pop()
        except (dns.exception.DNSException, OSError):  # Not up yet.
            pass
        if not left:
            return time.monotonic() - began
        time.sleep(0.02)
    raise SystemExit(f"{len(left)} of 50 sampled rules are not in force after {limit} s")
