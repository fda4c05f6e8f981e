"""A registry of one image, for names that only a registry can answer: registry.py LAYOUT PORT.

Serves the manifests and blobs of an OCI layout as any repository and tag, on loopback.
"""
import http.server
import json
import os
import re
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        layout, asked = sys.argv[1], re.fullmatch(r"/v2/(?:.+/(manifests|blobs)/([^/]+))?", self.path)
        if not asked:
            return self.answer(404, "application/json", b"{}")
        kind, name = asked.groups()
        if kind is None:
            return self.answer(200, "application/json", b"{}")
        with open(f"{layout}/index.json") as file:
            entry = json.load(file)["manifests"][0]
        digest = name if ":" in name else entry["digest"]
        path = f"{layout}/blobs/{digest.replace(':', '/')}"
        if not os.path.exists(path):
            return self.answer(404, "application/json", b"{}")
        with open(path, "rb") as file:
            body = file.read()
        self.answer(200, entry["mediaType"] if kind == "manifests" else "application/octet-stream", body, digest)

    do_HEAD = do_GET

    def answer(self, status, media_type, body, digest=None):
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
