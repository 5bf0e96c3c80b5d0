"""A small TAXII 2.1 server on loopback, for the tests of feeds: it keeps to the specification, or misbehaves as asked.

TaxiiServer(user=…, password=…, token=…) serves one API root with the collections that `add` makes. `behave` changes
what it does: "good", or one of the words in `Handler`.
"""
import base64
import datetime
import http.server
import json
import threading
import urllib.parse

TYPE = "application/taxii+json;version=2.1"


def indicator(number, pattern, modified="2025-01-01T00:00:00.000Z", **more):
    """A STIX 2.1 indicator; `number` makes its id."""
    return {"type": "indicator", "spec_version": "2.1", "id": f"indicator--00000000-0000-4000-8000-{number:012}",
            "created": "2025-01-01T00:00:00.000Z", "modified": modified, "pattern_type": "stix", "pattern": pattern,
            "valid_from": "2025-01-01T00:00:00Z", **more}


def domain(number, name, **more):
    return indicator(number, f"[domain-name:value = '{name}']", **more)


class Collection:
    def __init__(self, ident, title):
        self.id = ident
        self.title = title
        self.rows = []  # (date added, object), in the order of their coming.

    def newest(self):
        """The newest version of each object, in the order of being added (section 3.3: what "last" means)."""
        best = {}
        for row in self.rows:
            kept = best.get(row[1]["id"])
            if kept is None or row[1].get("modified", "") >= kept[1].get("modified", ""):
                best[row[1]["id"]] = row
        return sorted(best.values(), key=lambda row: row[0])


class TaxiiServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, user=None, password=None, token=None, page=3):
        self.behave = "good"
        self.page = page
        self.collections = {}
        self.asked = []
        self.clock = 0
        self.wanted = set()
        if user:
            self.wanted.add("Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
        if token:
            self.wanted.add("Bearer " + token)
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def collection(self, ident, title):
        return self.collections.setdefault(ident, Collection(ident, title))

    def add(self, ident, *objects):
        for each in objects:
            self.clock += 1
            date = datetime.datetime(2025, 6, 1) + datetime.timedelta(microseconds=self.clock)
            self.collections[ident].rows.append((date.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), each))

    def delete(self, ident, object_id):
        rows = self.collections[ident].rows
        rows[:] = [row for row in rows if row[1]["id"] != object_id]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, body, headers=(), content_type=TYPE):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def error(self, status, title, headers=()):
        self.send(status, {"title": title, "http_status": str(status)}, headers)

    def do_GET(self):  # noqa: N802
        server = self.server
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        server.asked.append((url.path, query))
        if self.headers.get("Accept") != TYPE:
            return self.error(406, "Not acceptable")
        if server.wanted and self.headers.get("Authorization") not in server.wanted:
            return self.error(401, "Unauthorized", [("WWW-Authenticate", "Basic realm=\"t\"")])
        if server.behave == "forbidden":
            return self.error(403, "Forbidden")
        if server.behave == "later":
            return self.error(429, "Too many", [("Retry-After", "7200")])
        if server.behave == "soon":
            server.behave = "good"
            return self.error(503, "Busy", [("Retry-After", "1")])
        if url.path == "/taxii2/":
            return self.send(200, {"title": "Test", "default": "/api/", "api_roots": ["/api/"]})
        if url.path == "/api/":
            return self.send(200, {"title": "Root", "versions": [TYPE], "max_content_length": 1000})
        if url.path == "/api/collections/":
            return self.send(200, {"collections": [
                {"id": each.id, "title": each.title, "can_read": True, "can_write": False, "media_types": []}
                for each in server.collections.values()]})
        parts = url.path.split("/")
        if len(parts) == 6 and parts[4] == "objects" and parts[3] in server.collections:
            return self.objects(server.collections[parts[3]], query)
        return self.error(404, "Not found")

    def objects(self, collection, query):
        behave = self.server.behave
        if behave == "torn":
            return self.send(200, b'{"objects":[{"type":"indicator","id":"indicator--1","pattern":"[domain-na')
        if behave == "endless":
            number = int(query.get("next", "0")) + 1
            return self.send(200, {"more": True, "next": str(number), "objects": []})
        if behave == "circle":
            return self.send(200, {"more": True, "next": "again", "objects": [domain(1, "circle.example")]})
        if behave == "types":
            return self.send(200, {"more": "yes", "objects": {"a": 1}})
        if behave == "html":
            return self.send(200, b"<html>Sign in</html>", content_type="text/html")
        if behave == "huge":
            return self.huge()
        rows = [row for row in collection.newest() if row[0] > query.get("added_after", "")]
        types = query.get("match[type]")
        if types:
            rows = [row for row in rows if row[1]["type"] in types.split(",")]
        begin = int(query.get("next", "0"))
        end = begin + min(int(query.get("limit", "1000")), self.server.page)
        body, headers = {}, []
        if rows[begin:end]:
            body["objects"] = [row[1] for row in rows[begin:end]]
            headers = [("X-TAXII-Date-Added-First", rows[begin][0]),
                       ("X-TAXII-Date-Added-Last", rows[begin:end][-1][0])]
        if end < len(rows):
            body.update(more=True, next=str(end))
        if behave == "half" and begin > 0:
            return self.error(500, "Out of order")
        return self.send(200, body, headers)

    def huge(self):
        """A page that never ends, were anybody to take it."""
        self.send_response(200)
        self.send_header("Content-Type", TYPE)
        self.send_header("Connection", "close")
        self.end_headers()
        block = b'{"type":"indicator","pattern":"' + b"x" * 65536 + b'"},'
        try:
            self.wfile.write(b'{"objects":[')
            while True:
                self.wfile.write(block)
        except OSError:
            self.close_connection = True
