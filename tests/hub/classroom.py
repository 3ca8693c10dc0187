"""A hub for tests, on this machine: system users, the server, and people who use it through HTTPS."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import requests
import websocket

ROOT = Path(__file__).resolve().parents[2]
PREFIX, STATE = Path("/opt/vae-hub-test"), Path("/var/lib/vae-hub-test")
HOMES = Path("/home/vae-hub-test")
COURSE, STUDENTS, TEACHERS = "hubtest", "hubtest-students", "hubtest-teachers"
COURSE_HOME = STATE / COURSE
BIN = PREFIX / "env/bin"
PORT = 18000
HOST = f"hub.localhost:{PORT}"
URL = f"https://{HOST}"
TLS = PREFIX / "tls"
CERTIFICATE, KEY = TLS / "hub.pem", TLS / "hub.key"
MARK = "made by tests/hub"  # in the comment of each user that is ours to remove
NAMES = [f"student{i:02}" for i in range(1, 11)]
NAME = "05_exercises"
INBOUND = STATE / "exchange/vae-by-doing/inbound"


def set_up(*arguments):
    """Run hub/set_up.py for the test's own places and names, with a certificate made for the hub and all below."""
    if not CERTIFICATE.exists():
        TLS.mkdir(parents=True)
        TLS.chmod(0o700)
        names = "subjectAltName=DNS:hub.localhost,DNS:*.hub.localhost"
        files = ["-keyout", KEY, "-out", CERTIFICATE]
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=hub", "-addext", names, *files)
    command = ["/usr/bin/python3", ROOT / "hub/set_up.py", "--url", URL, "--port", str(PORT)]
    command += ["--certificate", CERTIFICATE, "--key", KEY]
    command += ["--prefix", PREFIX, "--state", STATE, "--course", COURSE, "--marking", "2"]
    command += ["--students", STUDENTS, "--teachers", TEACHERS, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def add_users():
    """A teacher and ten students, each with a password and a home that only they enter."""
    HOMES.mkdir(mode=0o755, exist_ok=True)
    for name in ["teacher01", *NAMES]:
        group = TEACHERS if name == "teacher01" else STUDENTS
        options = ["--create-home", "--base-dir", HOMES, "--key", "HOME_MODE=0700", "--shell", "/bin/bash"]
        run("useradd", *options, "--comment", MARK, "--groups", group, name)
    run("chpasswd", input="".join(f"{name}:{password(name)}\n" for name in ["teacher01", *NAMES]))


def password(name):
    """Different for each."""
    return f"{name}-{uuid.uuid5(uuid.NAMESPACE_DNS, name)}"


def run(*command, **options):
    """Run a command that must succeed; return what it says."""
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    assert run.returncode == 0, f"{command}: {run.stdout[-3000:]}"
    return run.stdout


def as_user(name, *command, **options):
    """Run a command as a user, in that user's home; return its exit code and what it says."""
    command = ["sudo", "-n", "-H", "-u", name, "--", "env", f"PATH={BIN}:/usr/bin:/bin", *command]
    home = pwd.getpwnam(name).pw_dir
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=home, **options)
    return run.returncode, run.stdout


def nbgrader(*command):
    """Run nbgrader as the course's account."""
    code, text = as_user(COURSE, "nbgrader", *command)
    assert code == 0, text[-3000:]
    return text


def clean_up():
    """End the test's processes and remove its users and folders, whatever of them there is."""
    users = [user for user in pwd.getpwall() if user.pw_gecos == MARK or user.pw_dir.startswith(f"{STATE}/")]
    wait_until(lambda: not end_processes({user.pw_uid for user in users}), "processes of the test go on")
    for user in users:
        run("userdel", user.pw_name)
    for group in (STUDENTS, TEACHERS):
        subprocess.run(["groupdel", group], stderr=subprocess.DEVNULL)
    for folder in (STATE, HOMES, *([] if os.environ.get("KEEP_HUB_PROGRAMS") else [PREFIX])):
        shutil.rmtree(folder, ignore_errors=True)
    Path(f"/etc/sudoers.d/{COURSE}").unlink(missing_ok=True)
    denied = Path("/etc/cron.deny")
    if denied.exists():
        lines = [line for line in denied.read_text().splitlines() if not line.startswith(f"{COURSE}-mark")]
        denied.write_text("\n".join(lines) + "\n") if lines else denied.unlink()


def end_processes(uids, programs=True):
    """Kill processes of some users, and of programs that lie in the test's folder; return how many there were."""
    found = [pid for pid in processes() if uid_of(pid) in uids or programs and str(PREFIX) in command_line(pid)]
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(found)


def processes():
    """Ids of those that run, but this one."""
    numbers = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [pid for pid in numbers if pid != os.getpid() and field(pid, "State") not in ("Z", "")]


def field(pid, name):
    """The first word of a field of /proc/PID/status, or "" where the process is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return line.split()[1]
    return ""


def uid_of(pid):
    return int(field(pid, "Uid") or -1)


def command_line(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def memory(name):
    """Megabytes that the processes of a user hold."""
    uid = pwd.getpwnam(name).pw_uid
    return sum(int(field(pid, "VmRSS") or 0) for pid in processes() if uid_of(pid) == uid) / 1000


def wait_until(condition, otherwise, seconds=120):
    """Wait for a condition and return what it was; fail where it never comes."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, otherwise
        time.sleep(0.1)
    return value


@contextlib.contextmanager
def hub():
    """JupyterHub, while the block runs."""
    log = STATE / "hub/log"
    environment = {"PATH": f"{BIN}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    command = [BIN / "jupyterhub", "-f", PREFIX / "jupyterhub_config.py"]
    with open(log, "w") as file:
        process = subprocess.Popen(command, cwd=STATE / "hub", env=environment, stdout=file, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: process.poll() is not None or is_up(), f"no answer: {log.read_text()[-3000:]}")
        assert process.poll() is None, log.read_text()[-3000:]
        yield process
    finally:
        process.terminate()
        process.wait(120)  # it stops all servers first, and would answer in the place of the next hub until it is gone


def is_up():
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{URL}/hub/health", verify=CERTIFICATE).ok
    return False


class Person:
    """Someone at a browser: logs in by the form, and then acts as the page's scripts do."""

    def __init__(self, name, server=None):
        self.name, self.server = name, server or name
        self.session = requests.Session()
        self.session.verify, self.session.trust_env = str(CERTIFICATE), False  # or REQUESTS_CA_BUNDLE comes first
        self.token = ""

    def log_in(self, password):
        """Log in; return the answer's status."""
        self.session.get(f"{URL}/hub/login")
        data = {"username": self.name, "password": password, "_xsrf": self._xsrf()}
        answer = self.session.post(f"{URL}/hub/login", data=data, allow_redirects=False)
        if answer.status_code == 302:
            self.session.get(f"{URL}/hub/home")  # whose cookie is for this user
            answer = self.hub("POST", f"users/{self.name}/tokens", json={"note": "test"})
            self.token = answer.json()["token"]
            return 302
        return answer.status_code

    def _xsrf(self):
        return [cookie.value for cookie in self.session.cookies if cookie.name == "_xsrf"][-1]

    def hub(self, method, path, **options):
        """Call the hub's API by the browser's cookies."""
        headers = {"X-XSRFToken": self._xsrf(), "Referer": f"{URL}/hub/home"}
        return self.session.request(method, f"{URL}/hub/api/{path}", headers=headers, **options)

    def start(self):
        """Start the server, and wait until it answers."""
        answer = self.hub("POST", f"users/{self.server}/server")
        assert answer.status_code in (201, 202), answer.text
        wait_until(lambda: self.call("GET", "api/status").status_code == 200, f"{self.server} has no server")

    def stop(self):
        """Stop the server, and wait until it is gone."""
        self.hub("DELETE", f"users/{self.server}/server")
        wait_until(lambda: self.hub("GET", f"users/{self.server}").json()["servers"] == {}, f"{self.server} goes on")

    def call(self, method, path, server=None, **options):
        """Call a single-user server."""
        headers = {"Authorization": f"token {self.token}"}
        url = f"https://{server or self.server}.{HOST}/user/{server or self.server}/{path}"
        return requests.request(method, url, headers=headers, allow_redirects=False, verify=CERTIFICATE, **options)

    def assignments(self, action):
        """What the list of assignments does by its buttons: "fetch", "submit" or "fetch_feedback"."""
        data = {"course_id": "vae-by-doing", "assignment_id": NAME}
        answer = self.call("POST", f"assignments/{action}", data=data)
        assert answer.ok and answer.json()["success"], answer.text
        return answer.json()["value"]

    def save(self, path, notebook):
        """Save a notebook as JupyterLab does."""
        answer = self.call("PUT", f"api/contents/{path}", json={"type": "notebook", "content": notebook})
        assert answer.ok, answer.text

    def kernel(self):
        """A new kernel."""
        answer = self.call("POST", "api/kernels", json={"name": "python3"})
        assert answer.ok, answer.text
        return Kernel(self, answer.json()["id"])

    def socket(self, path):
        """A websocket of the single-user server."""
        url = f"wss://{self.server}.{HOST}/user/{self.server}/{path}"
        options = {"header": [f"Authorization: token {self.token}"], "timeout": 120}
        return websocket.create_connection(url, sslopt={"ca_certs": str(CERTIFICATE)}, **options)

    def terminal(self, command):
        """Type a command into a new terminal of JupyterLab's; return what it shows, until it is done or closes."""
        terminal = self.call("POST", "api/terminals")
        assert terminal.ok, terminal.text
        try:
            socket = self.socket(f"terminals/websocket/{terminal.json()['name']}")
        except websocket.WebSocketBadStatusException:
            return "it closed at once"
        socket.send(json.dumps(["stdin", f"{command}; echo do''ne\r"]))
        shown, kind = "", ""
        while "done" not in shown and kind != "disconnect":
            kind, *text = json.loads(socket.recv())
            shown += text[0] if kind == "stdout" else ""
        socket.close()
        return shown


class Kernel:
    """A kernel, by its websocket."""

    def __init__(self, person, number):
        self.socket = person.socket(f"api/kernels/{number}/channels")

    def run(self, code):
        """Run code; return what it printed, or fail where it stopped."""
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3", "session": "test"}
        header |= {"username": "", "date": "2000-01-01T00:00:00Z"}
        content = {"code": code, "silent": False, "allow_stdin": False, "stop_on_error": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self.socket.send(json.dumps(message))
        printed, replied, idle = "", False, False
        while not (replied and idle):
            got = self.socket.recv()
            if not isinstance(got, str):  # with buffers: a widget's
                continue
            got = json.loads(got)
            if got["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            printed += got["content"].get("text", "") if got["msg_type"] == "stream" else ""
            idle = idle or got["content"].get("execution_state") == "idle"
            if got["msg_type"] == "execute_reply":
                replied = True
                assert got["content"]["status"] == "ok", "\n".join(got["content"].get("traceback", []))
        return printed


if __name__ == "__main__":
    clean_up() if sys.argv[1:] == ["clean"] else sys.exit("python -m tests.hub.classroom clean")
