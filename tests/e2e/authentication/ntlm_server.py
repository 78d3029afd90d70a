"""A server that lets in who authenticates by NTLM, on pyspnego: each connection is authenticated by itself.

The file of users is named by NTLM_USER_FILE (DOMAIN:user:password). Prints the port, then one line for each request:
the connection's number, the method, the path, how it was authorized, and the length of the body.
"""

import base64
import http.server
import itertools
import sys

import spnego

CONNECTIONS = itertools.count(1)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.number = next(CONNECTIONS)
        self.context = None
        self.user = None

    def log_message(self, *_):
        pass

    def answer(self, status, body, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        kind = base64.b64decode(token)[8] if scheme == "NTLM" else "-"
        print(self.number, self.command, self.path, f"{scheme or '-'}/{kind}", len(body), flush=True)
        if scheme != "NTLM" and self.user is None:
            return self.answer(401, b"who are you?\n", ("WWW-Authenticate", "NTLM"))
        if scheme == "NTLM":
            if kind == 1 or self.context is None:
                self.context, self.user = spnego.server(protocol="ntlm"), None
            try:
                reply = self.context.step(base64.b64decode(token))
            except spnego.exceptions.SpnegoError:
                self.context = None
                return self.answer(401, b"not you\n", ("WWW-Authenticate", "NTLM"))
            if not self.context.complete:
                token = base64.b64encode(reply).decode()
                return self.answer(401, b"prove it\n", ("WWW-Authenticate", f"NTLM {token}"))
            self.user = self.context.client_principal
        if self.path == "/moved":
            return self.answer(302, b"moved\n", ("Location", "/landed"))
        self.answer(200, f"{self.user} {body.decode()}\n".encode())

    do_GET = do_POST = do_PUT = do_HEAD = handle_any


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
sys.stdin and server.serve_forever()
