"""Sends a sequence of requests to one server and keeps its answers."""
import dataclasses
import http.client
import json
import re
import ssl
import time

from sequence.step import as_text, filled

TOKENS = {"admin": "admin-token-of-the-test", "ann": "user-token-of-the-test", "wrong": "no-such-token"}
TIMEOUT_SECONDS = 20
SERVED_WITHIN_SECONDS = 20


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: object  # A list of events for a watch; text where it is no JSON.


def port_of(kubeconfig):
    with open(kubeconfig) as file:
        return int(re.search(r"https://127\.0\.0\.1:(\d+)", file.read())[1])


def decoded(text):
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in text.splitlines()]
    except ValueError:
        return text


class Conversation:
    def __init__(self, port):
        self.port = port
        self.context = ssl._create_unverified_context()  # Of a server that was started for this.
        self.connection = None
        self.saved = {}

    def play(self, steps):
        return [self.ask(step) for _, step in steps]

    def ask(self, step):
        if step.method == "WAIT":
            return self.wait(step.path)
        path, body = filled(step.path, self.saved), as_text(step.body)
        if body == "@{object}":
            body = json.dumps(self.saved["object"])
        elif body is not None:
            body = filled(body, self.saved)
        headers = {"User-Agent": "side-by-side/1", "Accept": step.accept or "application/json"}
        if step.user:
            headers["Authorization"] = "Bearer " + TOKENS[step.user]
        if body is not None:
            headers["Content-Type"] = step.type
        answer = self.send(step.method, path, body, headers)
        if step.save and isinstance(answer.body, dict):
            self.saved[step.save] = answer.body
        return answer

    def send(self, method, path, body, headers):
        for attempt in (1, 2):  # A connection that the server has closed meanwhile is opened anew.
            if self.connection is None:
                self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=TIMEOUT_SECONDS)
            try:
                self.connection.request(method, path, body.encode() if body is not None else None, headers)
                answer = self.connection.getresponse()
                text = answer.read().decode(errors="replace")
                if answer.getheader("Connection", "") == "close":
                    self.close()
                return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, decoded(text))
            except TimeoutError:
                self.close()
                return Answer(0, {}, "no end of the answer")
            except (http.client.HTTPException, OSError):
                self.close()
                if attempt == 2:
                    return Answer(0, {}, "no answer")

    def close(self):
        self.connection.close()
        self.connection = None

    def wait(self, path):
        deadline = time.monotonic() + SERVED_WITHIN_SECONDS
        while True:
            answer = self.send("GET", path, None, {"Authorization": "Bearer " + TOKENS["admin"]})
            if answer.status == 200 or time.monotonic() > deadline:
                return Answer(answer.status, {}, None)
            time.sleep(0.1)
