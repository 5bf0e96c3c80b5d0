#!/usr/bin/python3
"""Holds a running server against docs/reference/openapi.yaml.

usage: openapi_check.py --spec FILE --run API_DEMO
       openapi_check.py --spec FILE --url http://127.0.0.1:8080 --token TOKEN [--routes FILE]

Checked: every path and method of the file is answered and every other method is refused with the
right Allow header; no answer has a status that the file does not list, nor a body or content type
that its schema does not describe; what needs a token is refused without one and with a
wrong one, and everything with a foreign Host or too much of headers or body; each query parameter
is taken and a misspelt one is refused. With the server's own list of routes (--routes: lines
"GET /path"; --run asks for it) also: every route is in the file. The parts of JSON Schema used here
are checked in full; a keyword that this validator does not know is an error, so that the file can
never promise more than is tested.
"""
import argparse
import json
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime

import yaml

METHODS = ["get", "post", "put", "patch", "delete"]
KNOWN = {"type", "properties", "required", "additionalProperties", "items", "enum", "minimum", "maximum",
         "pattern", "format", "description", "default", "$ref"}
# Asking these of the server under test would change what the next request meets.
LEAVE = {("delete", "/api/v1/session"), ("delete", "/api/v1/exceptions/{id}")}

# Refused over TCP, whoever asks.
CONTROL_ONLY = {("post", "/api/v1/token")}

# A running server has nothing there, unless it holds an update of the feed or was changed often.
MAY_BE_ABSENT = {("get", "/api/v1/feeds/{name}/report"), ("post", "/api/v1/feeds/{name}/activate"),
                 ("post", "/api/v1/feeds/{name}/reject"), ("post", "/api/v1/feeds/{name}/rollback"),
                 ("post", "/api/v1/generations/{number}/rollback")}

problems = []


def say(where, what):
    problems.append(f"{where}: {what}")


class Spec:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.root = yaml.safe_load(file)

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            target = self.root
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def operations(self):
        for path, item in self.root["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method, path, item[method]

    def needs_token(self, operation):
        security = operation.get("security", self.root["security"])
        return bool(security) and {} not in security


def type_of(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return {str: "string", list: "array", dict: "object"}[type(value)]


def check_object(spec, schema, value, where):
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            say(where, f"lacks {name}")
    for name, part in value.items():
        if name in properties:
            validate(spec, properties[name], part, f"{where}.{name}")
        elif schema.get("additionalProperties") is False:
            say(where, f"has {name}, which the schema does not describe")


def validate(spec, schema, value, where):
    """Says where `value` is not what `schema` describes."""
    schema = spec.resolve(schema)
    unknown = set(schema) - KNOWN
    if unknown:
        say(where, f"the schema uses {sorted(unknown)}, which is not checked here")
    if "type" in schema:
        wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if type_of(value) not in wanted:
            return say(where, f"is {type_of(value)} {value!r}, not {' or '.join(wanted)}")
    if value is None:
        return None
    if "enum" in schema and value not in schema["enum"]:
        say(where, f"{value!r} is not one of {schema['enum']}")
    if "minimum" in schema and value < schema["minimum"]:
        say(where, f"{value} is below {schema['minimum']}")
    if "maximum" in schema and value > schema["maximum"]:
        say(where, f"{value} is above {schema['maximum']}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        say(where, f"{value!r} does not match {schema['pattern']}")
    if schema.get("format") == "date-time":
        try:
            datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ")
        except ValueError:
            say(where, f"{value!r} is no time in UTC")
    if isinstance(value, dict):
        check_object(spec, schema, value, where)
    if isinstance(value, list):
        for i, part in enumerate(value):
            validate(spec, schema.get("items", {}), part, f"{where}[{i}]")
    return None


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.content_type = headers.get("Content-Type", "").split(";")[0]


class Server:
    def __init__(self, url, token):
        self.url, self.token = url.rstrip("/"), token
        self.trace = None

    def some_trace(self):
        """The trace id of a query in the journal: no file can hold an example of one."""
        if self.trace is None:
            self.trace = json.loads(self.ask("get", "/api/v1/queries?limit=1").body)["rows"][0]["trace"]
        return self.trace

    def ask(self, method, target, body=None, token=True, headers=None):
        """`token`: True for the right one, False for none."""
        request = urllib.request.Request(self.url + target, method=method.upper(), data=body)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {self.token}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            response = urllib.request.urlopen(request, timeout=20)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            # A stream has no end: its first record is enough.
            stream = response.headers.get("Content-Type") == "text/event-stream"
            text = first_record(response) if stream else response.read()
            return Answer(response.status, response.headers, text)


def first_record(response):
    for line in response:
        if line.startswith(b"data: ") and b'"trace"' in line:
            return line.removeprefix(b"data: ")
    return b""


def check_answer(spec, operation, answer, where):
    """The status is listed, and the body is of a type and shape listed for it."""
    responses = operation["responses"]
    if str(answer.status) not in responses:
        return say(where, f"answers {answer.status}, which the file does not list: {answer.body[:200]!r}")
    content = spec.resolve(responses[str(answer.status)]).get("content", {})
    if not content:
        if answer.body:
            say(where, "has a body where the file promises none")
        return None
    if answer.content_type not in content:
        return say(where, f"is {answer.content_type}, not {list(content)}")
    if answer.content_type.endswith("json") or answer.content_type == "text/event-stream":
        validate(spec, content[answer.content_type]["schema"], json.loads(answer.body), where)
    return None


def target_of(spec, server, path, operation, changes=None):
    """The path with the examples of its parameters (`changes`: other values; None leaves one out)."""
    query = {}
    for parameter in map(spec.resolve, operation.get("parameters", [])):
        value = parameter.get("example")
        if parameter["in"] == "path":
            value = server.some_trace() if parameter["name"] == "trace" else value
            path = path.replace("{%s}" % parameter["name"], urllib.parse.quote(str(value)))
        elif value is not None:
            query[parameter["name"]] = value
    query.update(changes or {})
    text = urllib.parse.urlencode({k: v for k, v in query.items() if v is not None})
    return path + ("?" + text if text else "")


def body_of(operation, server):
    """The example of the file; of a body without one, the token: no file can hold that."""
    if "requestBody" not in operation:
        return None
    content = operation["requestBody"]["content"]["application/json"]
    return json.dumps(content.get("example", {"token": server.token})).encode()


def sample_of(spec, parameter):
    schema = spec.resolve(parameter["schema"])
    samples = {"since": "-2h", "until": "now", "client": "192.0.2.0/24", "name": "example", "below": "example",
               "zone": "adware", "group": "default", "type": "A", "rcode": "NXDOMAIN", "trace": "00000000",
               "before": "2"}
    sample = parameter.get("example", samples.get(parameter["name"], schema.get("default")))
    return ["true", "false"] if schema.get("type") == "boolean" else schema.get("enum", [sample])


def check_parameters(spec, server, method, path, operation):
    parameters = [p for p in map(spec.resolve, operation.get("parameters", [])) if p["in"] == "query"]
    stream = "text/event-stream" in str(operation["responses"].get("200"))
    for parameter in parameters:
        # A filtered stream may stay silent: there, only what is refused is tried.
        for value in [] if stream else sample_of(spec, parameter):
            target = target_of(spec, server, path, operation, {parameter["name"]: value})
            answer = server.ask(method, target)
            check_answer(spec, operation, answer, f"{method} {target}")
            if answer.status >= 400:
                say(f"{method} {target}", f"is refused: {answer.body[:200]!r}")
        if parameter.get("required"):
            answer = server.ask(method, target_of(spec, server, path, operation, {parameter["name"]: None}))
            if answer.status != 400:
                say(f"{method} {path}", f"answers {answer.status} without {parameter['name']}")
    if parameters:
        answer = server.ask(method, target_of(spec, server, path, operation, {"misspelt": "1"}))
        check_answer(spec, operation, answer, f"{method} {path} with a misspelt parameter")
        if answer.status != 400:
            say(f"{method} {path}", f"answers {answer.status} to a misspelt parameter")


def check_refusals(spec, server, method, target, operation):
    """What is refused whatever the route is refused as the file says. Gives the statuses of wrong tokens."""
    for what, want, asked in [
            ("a foreign Host", 421, {"headers": {"Host": "evil.example"}}),
            ("headers over the bound", 431, {"headers": {"X-Padding": "x" * 20_000}}),
            ("a body over the bound", 413, {"body": b"x" * 70_000})]:
        where = f"{method} {target} with {what}"
        answer = server.ask(method, target, **asked)
        check_answer(spec, operation, answer, where)
        if answer.status != want:
            say(where, f"answers {answer.status}, not {want}")
    if (method, target) in CONTROL_ONLY or not spec.needs_token(operation):
        return set()
    refused = server.ask(method, target, token=False)
    check_answer(spec, operation, refused, f"{method} {target} without a token")
    if refused.status != 401:
        say(f"{method} {target}", f"answers {refused.status} without a token")
    wrong = server.ask(method, target, headers={"Authorization": "Bearer pst_wrong"})
    check_answer(spec, operation, wrong, f"{method} {target} with a wrong token")
    if wrong.status not in (401, 429):
        say(f"{method} {target}", f"answers {wrong.status} to a wrong token")
    if wrong.status == 429 and not wrong.headers.get("Retry-After", "").isdigit():
        say(f"{method} {target}", "answers 429 without Retry-After")
    return {wrong.status}


def check_operation(spec, server, method, path, operation):
    """Gives the statuses of wrong tokens."""
    where = f"{method} {path}"
    target = target_of(spec, server, path, operation)
    refusals = check_refusals(spec, server, method, target, operation)
    if (method, path) in LEAVE:
        return refusals
    answer = server.ask(method, target, body_of(operation, server))
    check_answer(spec, operation, answer, where)
    if (method, path) in CONTROL_ONLY:
        if answer.status != 403:
            say(where, f"answers {answer.status} over TCP")
        return refusals
    if answer.status == 404 and (method, path) in MAY_BE_ABSENT and not spec.is_demo:
        return refusals
    if answer.status >= 400:
        say(where, f"with the examples of the file answers {answer.status}: {answer.body[:200]!r}")
    check_parameters(spec, server, method, path, operation)
    return refusals


def check_other_methods(spec, server, path, item):
    wanted = {method.upper() for method in METHODS if method in item}
    wanted |= {"HEAD"} if "GET" in wanted else set()
    example = re.sub(r"\{\w+\}", "hafnium", path)
    answer = server.ask("put", example, body=b"{}")
    allowed = set(filter(None, re.split(r",\s*", answer.headers.get("Allow", ""))))
    if answer.status != 405 or allowed != wanted:
        say(path, f"PUT answers {answer.status}, Allow {sorted(allowed)}; the file has {sorted(wanted)}")


def check_routes(spec, lines):
    """What the server routes under /api and /metrics is what the file describes."""
    routed = {tuple(line.split(" ", 1)) for line in lines if line}
    routed = {(method, path) for method, path in routed if path.startswith(("/api/", "/metrics"))}
    described = {(method.upper(), path) for method, path, _ in spec.operations()}
    for method, path in sorted(routed - described):
        say(f"{method} {path}", "is routed but not in the file")
    for method, path in sorted(described - routed):
        say(f"{method} {path}", "is in the file but not routed")


def check(spec, server, routes):
    operations = 0
    if routes is not None:
        check_routes(spec, routes)
    for path, item in spec.root["paths"].items():
        check_other_methods(spec, server, path, item)
    refusals = set()
    for method, path, operation in spec.operations():
        refusals |= check_operation(spec, server, method, path, operation)
        operations += 1
    if refusals != {401, 429}:
        say("wrong tokens", f"were answered {sorted(refusals)}: 401 and, after some, 429 were to come")
    unknown = server.ask("get", "/api/v1/nothing")
    if unknown.status != 404 or unknown.content_type != "application/problem+json":
        say("/api/v1/nothing", f"answers {unknown.status} {unknown.content_type}")
    served = server.ask("get", "/api/v1/openapi.yaml", token=False)
    if yaml.safe_load(served.body) != spec.root:
        say("/api/v1/openapi.yaml", "serves another file than the one checked against")
    return operations


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", required=True)
    parser.add_argument("--run", help="api_demo: started, asked and ended")
    parser.add_argument("--url")
    parser.add_argument("--token")
    parser.add_argument("--routes")
    arguments = parser.parse_args()
    spec = Spec(arguments.spec)
    spec.is_demo = bool(arguments.run)
    if arguments.run:
        listing = subprocess.run([arguments.run, "--routes"], capture_output=True, text=True, check=True).stdout
        with tempfile.TemporaryDirectory() as folder:
            with subprocess.Popen([arguments.run, folder, "50"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True) as demo:
                server = Server(demo.stdout.readline().strip(), demo.stdout.readline().strip())
                operations = check(spec, server, listing.splitlines())
                demo.stdin.close()
                if demo.wait(timeout=20) != 0:
                    say("api_demo", f"ended with {demo.returncode}")
    else:
        listing = open(arguments.routes, encoding="utf-8").read().splitlines() if arguments.routes else None
        operations = check(spec, Server(arguments.url, arguments.token), listing)
    for problem in problems:
        print(problem)
    print(f"{operations} operations, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
