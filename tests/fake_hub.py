"""A hub on this machine: what huggingface_hub asks of the real one, over HTTP, kept in memory.

    with FakeHub(tokens={"hf_writer": {"toy-org"}}) as hub:
        subprocess.run([...], env=os.environ | hub.environment(tmp_path, token="hf_writer"))

Repositories, branches, commits, large files, private repositories, and refusals by status and
`X-Error-Code`. A card's front matter is checked as the hub does it: known keys of a model-index.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

Files = dict[str, bytes]
REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"


@dataclass
class Repository:
    """Branches by name, commits by hash; a commit is all of its files."""

    is_private: bool
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Files] = field(default_factory=dict)

    def files(self, revision: str) -> Files:
        return self.commits[self.branches.get(revision, revision)]

    def commit(self, branch: str, files: Files) -> str:
        text = repr((branch, len(self.commits), sorted(files.items())))
        number = hashlib.sha1(text.encode()).hexdigest()
        self.commits[number] = files
        self.branches[branch] = number
        return number


class FakeHub:
    """A server in a thread; `tokens` says which organisations each token may write to."""

    def __init__(self, *, tokens: dict[str, set[str]]) -> None:
        self.tokens = tokens
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        handler = type("Handler", (Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> FakeHub:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def environment(self, home: Path, *, token: str | None) -> dict[str, str]:
        """What makes huggingface_hub of a new process ask here, with a cache of its own."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home / "hf"),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_TOKEN": token or "",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }


class Handler(BaseHTTPRequestHandler):
    """Answers one request; the rules are in `ROUTES`, the first that matches decides."""

    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""

    def answer(self) -> None:
        parts = urlsplit(self.path)
        self.hub.requests.append((self.command, parts.path))
        self.query = parse_qs(parts.query)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        for methods, pattern, respond in ROUTES:
            match = re.fullmatch(pattern, unquote(parts.path))
            if self.command in methods.split() and match:
                try:
                    respond(self, **match.groupdict())
                except RefusalError as refusal:
                    self.send(refusal.status, {"error": refusal.text}, refusal.headers())
                return
        self.send(404, {"error": "Not Found"}, {})

    do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815

    def send(self, status: int, content: object, headers: dict[str, str]) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    @property
    def token(self) -> str:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token and token not in self.hub.tokens:
            raise RefusalError(401, "Invalid credentials in Authorization header")
        return token

    def may_write(self, organisation: str) -> None:
        if not self.token:
            raise RefusalError(401, "Invalid username or password.")
        if organisation not in self.hub.tokens[self.token]:
            raise RefusalError(
                403, f"You don't have the rights to create a model under {organisation}"
            )

    def find(self, repo: str, *, to_write: bool = False) -> Repository:
        found = self.hub.repositories.get(repo)
        organisation = repo.split("/")[0]
        is_mine = organisation in self.hub.tokens.get(self.token, set())
        if found is None or (found.is_private and not is_mine):
            raise RefusalError(
                401 if not self.token else 404, "Repository not found", "RepoNotFound"
            )
        if to_write:
            self.may_write(organisation)
        return found


class RefusalError(Exception):
    def __init__(self, status: int, text: str, code: str = "") -> None:
        self.status, self.text, self.code = status, text, code

    def headers(self) -> dict[str, str]:
        return {"X-Error-Message": self.text} | ({"X-Error-Code": self.code} if self.code else {})


def greet(request: Handler) -> None:
    request.send(200, b"a hub", {})


def create(request: Handler) -> None:
    wanted = json.loads(request.body)
    name = f"{wanted['organization']}/{wanted['name']}"
    request.may_write(wanted["organization"])
    url = {"url": f"{request.hub.url}/{name}"}
    if name in request.hub.repositories:
        request.send(409, url | {"error": "You already created this model repo"}, {})
        return
    repository = Repository(is_private=wanted.get("visibility") == "private")
    repository.commit("main", {".gitattributes": b"*.safetensors filter=lfs\n"})
    request.hub.repositories[name] = repository
    request.send(200, url, {})


def branch(request: Handler, repo: str, revision: str) -> None:
    repository = request.find(repo, to_write=True)
    if revision in repository.branches:
        raise RefusalError(409, "Reference already exists")
    repository.branches[revision] = repository.branches["main"]
    request.send(200, {}, {})


def describe(request: Handler, repo: str, revision: str | None = None) -> None:
    repository = request.find(repo)
    names = [{"rfilename": name} for name in files_of(repository, revision or "main")]
    sha = repository.branches.get(revision or "main", revision)
    about = {"id": repo, "modelId": repo, "sha": sha, "siblings": names}
    request.send(200, about | {"private": repository.is_private, "tags": [], "downloads": 0}, {})


def tree(request: Handler, repo: str, revision: str, folder: str | None) -> None:
    found = files_of(request.find(repo), revision)
    if folder is not None:  # nobody here has any
        raise RefusalError(404, f"{folder} does not exist", "EntryNotFound")
    entries = [
        {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
        for name, data in found.items()
    ]
    request.send(200, entries, {})


def files_of(repository: Repository, revision: str) -> Files:
    try:
        return repository.files(revision)
    except KeyError:
        raise RefusalError(404, f"Invalid rev id: {revision}", "RevisionNotFound") from None


def validate(request: Handler) -> None:
    """As the hub checks a card: YAML, and results that name task, data set and metric."""
    content = json.loads(request.body)["content"]
    errors = []
    front = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
    data = yaml.safe_load(front[1]) if front else {}
    for model in data.get("model-index", []):
        for result in model["results"]:
            for key in ("type", "name"):
                if not result.get("dataset", {}).get(key):
                    errors.append({"message": f'"model-index[0].results[0].dataset.{key}"'})
            if not result.get("task", {}).get("type") or not result.get("metrics"):
                errors.append({"message": "a result needs a task and metrics"})
    request.send(400 if errors else 200, {"errors": errors, "warnings": []}, {})


def preupload(request: Handler, repo: str, revision: str) -> None:
    files_of(request.find(repo, to_write=True), revision)
    modes = [
        {
            "path": file["path"],
            "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
            "shouldIgnore": False,
        }
        for file in json.loads(request.body)["files"]
    ]
    request.send(200, {"files": modes}, {})


def batch(request: Handler, repo: str) -> None:
    request.find(repo, to_write=True)
    objects = []
    for item in json.loads(request.body)["objects"]:
        upload = {"upload": {"href": f"{request.hub.url}/large/{item['oid']}"}}
        is_there = item["oid"] in request.hub.large
        objects.append(item | ({} if is_there else {"actions": upload}))
    request.send(200, {"transfer": "basic", "objects": objects}, {})


def store(request: Handler, oid: str) -> None:
    if hashlib.sha256(request.body).hexdigest() != oid:
        raise RefusalError(400, "the content does not have this digest")
    request.hub.large[oid] = request.body
    request.send(200, {}, {})


def commit(request: Handler, repo: str, revision: str) -> None:
    repository = request.find(repo, to_write=True)
    files = dict(files_of(repository, revision))
    for line in map(json.loads, request.body.splitlines()):
        key, value = line["key"], line["value"]
        if key == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif key == "lfsFile":
            files[value["path"]] = request.hub.large[value["oid"]]
        elif key == "deletedFile":
            del files[value["path"]]
    number = repository.commit(revision, files)
    url = f"{request.hub.url}/{repo}/commit/{number}"
    request.send(200, {"success": True, "commitUrl": url, "commitOid": number}, {})


def resolve(request: Handler, repo: str, revision: str, path: str) -> None:
    repository = request.find(repo)
    files = files_of(repository, revision)
    headers = {"X-Repo-Commit": repository.branches.get(revision, revision)}
    if path not in files:
        request.send(404, {}, headers | {"X-Error-Code": "EntryNotFound"})
        return
    etag = hashlib.sha256(files[path]).hexdigest()
    request.send(200, files[path], headers | {"ETag": f'"{etag}"'})


REVISION = r"(?P<revision>[\w./-]+?)"
ROUTES = (
    ("GET HEAD", "/", greet),
    ("POST", "/api/repos/create", create),
    ("POST", "/api/validate-yaml", validate),
    ("POST", f"/api/models/{REPO}/branch/{REVISION}", branch),
    ("POST", f"/api/models/{REPO}/preupload/{REVISION}", preupload),
    ("POST", f"/api/models/{REPO}/commit/{REVISION}", commit),
    ("GET", rf"/api/models/{REPO}/tree/(?P<revision>[\w.-]+)(?:/(?P<folder>.+))?", tree),
    ("GET", f"/api/models/{REPO}/revision/{REVISION}", describe),
    ("GET", f"/api/models/{REPO}", describe),
    ("POST", rf"/{REPO}\.git/info/lfs/objects/batch", batch),
    ("PUT", r"/large/(?P<oid>\w+)", store),
    ("GET HEAD", rf"/{REPO}/resolve/(?P<revision>[\w.-]+)/(?P<path>.+)", resolve),
)
