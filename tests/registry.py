#!/usr/bin/env python3
"""A registry that misbehaves on request.

usage: registry.py DIR [ADDRESS [CERTIFICATE]]

Listens at ADDRESS[:PORT] (127.0.0.1, any port), by TLS if there is a CERTIFICATE (with its key),
and serves what is in DIR: /v2/ANY/NAME/manifests/X and /v2/ANY/NAME/blobs/X are
the file X, any other path the file named as its last part. The Content-Type is
in the file X.type, if there is one. What is uploaded (POST, PATCH, PUT) or put as a
manifest becomes such a file. DIR/port gets the port when all is ready,
DIR/log one line a request: METHOD PATH auth=... range=... sent=BYTES.

DIR/rules says what goes wrong, a line each, the first that fits counts:

    TIMES REGEX ACTION [ARGUMENT]...

TIMES is how often (* for ever); REGEX matches "METHOD PATH". Actions:
    status CODE [NAME:VALUE]...     answer with that and no body
    error CODE MESSAGE...           answer as registries do when something is wrong
    header NAME:VALUE...            add headers to the good answer
    file NAME                       send this file instead
    cut BYTES                       close the connection after so many bytes (of an upload: received)
    stall BYTES                     send no more after so many bytes
    endless                         send the file again and again
    chunked                         do not tell the length
    norange                         send all whatever was asked for
    auth VALUE CHALLENGE...         401 and the challenge unless Authorization is VALUE
"""

import http.server
import json
import os
import re
import ssl
import sys
import threading

directory = sys.argv[1]
lock = threading.Lock()
used = {}


def path_of(name):
    return os.path.join(directory, os.path.basename(name))


def rule_for(request):
    """Action and arguments of the first rule that fits and is not used up."""
    with lock:
        try:
            lines = open(path_of("rules"), encoding="utf-8").read().splitlines()
        except FileNotFoundError:
            lines = []
        for line in lines:
            times, regex, action, *arguments = line.split()
            if re.search(regex, request) and (times == "*" or used.get(line, 0) < int(times)):
                used[line] = used.get(line, 0) + 1
                return action, arguments
    return "", []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, sent):
        auth = self.headers.get("Authorization", "-").replace(" ", "+")
        wanted = self.headers.get("Range", self.headers.get("Content-Range", "-"))
        with lock, open(path_of("log"), "a", encoding="utf-8") as log:
            log.write(f"{self.command} {self.path} auth={auth} range={wanted} sent={sent}\n")

    def answer(self, code, headers, body=b""):
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name in ("Content-Length", "Transfer-Encoding") for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        if self.command == "HEAD":
            body = b""
        self.note(len(body))  # before the client can know that it was answered
        self.end_headers()
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def do_GET(self):
        action, arguments = rule_for(f"{self.command} {self.path}")
        length = int(self.headers.get("Content-Length", 0))
        if self.command in ("PUT", "PATCH") and action == "cut":
            self.rfile.read(int(arguments[0]))
            self.close_connection = True
            return self.note(0)
        body = self.rfile.read(length)
        if len(body) < length:
            return self.note(0)
        if action == "status":
            pairs = [a.split(":", 1) for a in arguments[1:]]
            return self.answer(int(arguments[0]), pairs)
        if action == "error":
            said = {"errors": [{"code": "ODD", "message": " ".join(arguments[1:])}]}
            return self.answer(int(arguments[0]), [], json.dumps(said).encode())
        if action == "auth" and self.headers.get("Authorization", "").replace(" ", "+") != arguments[0]:
            return self.answer(401, [("WWW-Authenticate", " ".join(arguments[1:]))])
        path = self.path.split("?")[0]
        if self.command != "GET" and "/blobs/uploads/" in path or self.command == "PUT":
            more = [a.split(":", 1) for a in arguments] if action == "header" else []
            return self.receive(path, body, more)
        return self.serve(action, arguments)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_GET

    def receive(self, path, body, headers):
        """An upload begins (POST), goes on (PATCH) or ends (PUT), or a manifest comes."""
        if self.command == "POST":
            with lock:
                used["uploads"] = used.get("uploads", 0) + 1
                place = f"{path}upload{used['uploads']}"
        elif "/blobs/uploads/" in path:
            place = path
            with open(path_of(place), "ab") as out:
                out.write(body)
            digest = re.search(r"[?&]digest=([^&]*)", self.path)
            if self.command == "PUT" and digest:
                os.rename(path_of(place), path_of(digest[1].replace("%3A", ":").replace("%3a", ":")))
                return self.answer(201, headers)
        else:
            with open(path_of(path), "wb") as out:
                out.write(body)
            with open(path_of(path) + ".type", "w", encoding="utf-8") as out:
                out.write(self.headers.get("Content-Type", ""))
            return self.answer(201, headers)
        if not any(name == "Location" for name, _ in headers):
            headers.append(("Location", f"{place}?state=a%3Db"))
        return self.answer(202, headers)

    def serve(self, action, arguments):
        name = self.path.split("?")[0].rstrip("/").split("/")[-1]
        if action == "file":
            name = arguments[0]
        try:
            body = open(path_of(name), "rb").read()
        except (FileNotFoundError, IsADirectoryError):
            return self.answer(404, [])
        headers = [a.split(":", 1) for a in arguments] if action == "header" else []
        if os.path.exists(path_of(name + ".type")):
            headers.append(("Content-Type", open(path_of(name + ".type")).read().strip()))
        code = 200
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and action != "norange":
            start, code = int(wanted[1]), 206
            if start >= len(body):
                return self.answer(416, [])
            headers.append(("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}"))
            body = body[start:]
        if action in ("cut", "stall", "endless"):
            return self.break_off(action, arguments, code, headers, body)
        if action == "chunked":
            headers.append(("Transfer-Encoding", "chunked"))
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        return self.answer(code, headers, body)

    def break_off(self, action, arguments, code, headers, body):
        self.close_connection = True
        if action == "endless":
            headers.append(("Connection", "close"))
            headers.append(("Transfer-Encoding", "chunked"))
            self.answer(code, headers)
            try:
                while True:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
            except OSError:
                return
        headers.append(("Content-Length", str(len(body))))
        self.answer(code, headers, body[: int(arguments[0])])
        if action == "stall":
            self.rfile.read(1)  # until the client goes away


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # clients go away, that is what tests are for


address, _, port = (sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1").partition(":")
server = Server((address, int(port or 0)), Handler)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(path_of("port.new"), "w", encoding="utf-8") as out:
    out.write(str(server.server_port))
os.rename(path_of("port.new"), path_of("port"))
server.serve_forever()
