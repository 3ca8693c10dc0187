"""What a hostile student tries: in a kernel of the hub, in the exchange, and in a notebook while it is marked."""

# Runs in the student's own kernel; `known` holds what the student could not know, to see that it would not help.
# Signal 0 ends nothing, and is allowed to whom any signal is.
ATTEMPTS = """
import json, os, socket, subprocess, urllib.error, urllib.request

def call(url, token=""):
    request = urllib.request.Request(url, headers={"Authorization": f"token {token}"} if token else {})
    with urllib.request.build_opener(NoRedirect).open(request, timeout=20) as answer:
        return answer.read()

class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None

def connect(path):
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(path)

def rename(path):
    os.rename(path, path + "x")
    os.rename(path + "x", path)

def ask(port, page):
    return lambda: call(f"http://127.0.0.1:{port}{page}")

def sudo(*command):
    return lambda: subprocess.run(["sudo", "-n", *command], check=True, capture_output=True)

own = os.environ["JUPYTERHUB_API_TOKEN"]
attempts = {
    "list another's home": lambda: os.listdir(known["home"]),
    "read another's notebook": lambda: open(known["notebook"]).read(),
    "overwrite another's notebook": lambda: open(known["notebook"], "a"),
    "list the submissions": lambda: os.listdir(known["inbound"]),
    "rename another's submission, its name known": lambda: rename(known["submission"]),
    "rename the course in the exchange": lambda: rename(known["course"]),
    "change the exercises in the exchange": lambda: open(known["course"] + "/outbound/05_exercises/x", "w"),
    "list the feedback": lambda: os.listdir(known["course"] + "/feedback"),
    "read the gradebook": lambda: open(known["teacher"] + "/gradebook.db", "rb").read(),
    "read the teacher's notebook": lambda: os.listdir(known["teacher"] + "/source"),
    "read the hub's secret": lambda: open(known["state"] + "/hub/cookie_secret").read(),
    "change the shared environment": lambda: open(known["prefix"] + "/env/x", "w"),
    "change the hub's settings": lambda: open(known["prefix"] + "/hub.json", "a"),
    "read the hub's settings": lambda: open(known["prefix"] + "/jupyterhub_config.py").read(),
    "read another's environment in /proc": lambda: open(f"/proc/{known['pid']}/environ").read(),
    "end another's server": lambda: os.kill(known["pid"], 0),
    "listen to another's kernel": lambda: connect(known["socket"]),
    "read the key of the hub's certificate": lambda: open(known["key"]).read(),
    "enter a marking user's folder": lambda: os.listdir(known["marking"]),
    "become the course's account": sudo("-u", known["account"], "true"),
    "become a marking user": sudo("-u", known["account"] + "-mark1", "true"),
    "become root": sudo("true"),
    "another's server at its port": ask(known["port"], f"/user/{known['name']}/api/contents"),
    "another's server at its port, own token": lambda: call(
        f"http://127.0.0.1:{known['port']}/user/{known['name']}/api/contents", own),
    "another's terminal at its port": ask(known["port"], f"/user/{known['name']}/api/terminals"),
    "the hub's list of users": lambda: call(os.environ["JUPYTERHUB_API_URL"] + "/users", own),
    "another's tokens": lambda: call(os.environ["JUPYTERHUB_API_URL"] + f"/users/{known['name']}/tokens", own),
    "the hub without a token": lambda: call(os.environ["JUPYTERHUB_API_URL"] + "/user"),
    "the proxy's routes": lambda: call(f"http://127.0.0.1:{known['proxy']}/api/routes"),
}
outcomes = {}
for name, attempt in attempts.items():
    try:
        attempt()
        outcomes[name] = "done"
    except (PermissionError, urllib.error.HTTPError, subprocess.CalledProcessError) as error:
        outcomes[name] = f"refused: {error}"
    except Exception as error:
        outcomes[name] = f"{type(error).__name__}: {error}"  # not refused but mistaken
print(json.dumps(outcomes))
"""

# Who may do the same: it shows that an attempt is refused for its rights, and not for a mistaken path.
BY_THE_VICTIM = (
    "list another's home",
    "read another's notebook",
    "overwrite another's notebook",
    "read another's environment in /proc",
    "end another's server",
    "listen to another's kernel",
    "another's server at its port, own token",
)
BY_ROOT = (
    "list the submissions",
    "rename another's submission, its name known",
    "rename the course in the exchange",
    "change the exercises in the exchange",
    "list the feedback",
    "read the gradebook",
    "read the teacher's notebook",
    "read the hub's secret",
    "read the key of the hub's certificate",
    "change the shared environment",
    "change the hub's settings",
    "read the hub's settings",
    "enter a marking user's folder",
    "become the course's account",
    "become a marking user",
)

# Runs as a student, beside the exchange's rules: `victim` is another student.
FORGERIES = """
import os, pathlib
inbound, blank = pathlib.Path({inbound!r}), pathlib.Path({notebook!r}).read_text()
def hand_in(name, **files):
    folder = inbound / name
    folder.mkdir()
    files = {{"timestamp.txt": name.split("+")[2], "submission_secret.txt": "0" * 128}} | files
    for file, text in files.items():
        (folder / file.replace("__", ".")).write_text(text)
    return folder
late, early = "2999-01-01 00:00:00.000000 UTC", "2001-01-01 00:00:00.000000 UTC"
hand_in(f"{victim}+05_exercises+{{late}}+forged", **{{"05_exercises__ipynb": blank}})
hand_in("{name}+05_exercises+yesterday+x")
hand_in(f"{name}+05_exercises+{{early}}+early")
linked = hand_in(f"{name}+05_exercises+{{late}}+linked")
(linked / "05_exercises.ipynb").symlink_to({solutions!r})
(linked / "names.txt").symlink_to("/etc/hostname")
os.mkfifo(linked / "fifo")
"""

# The first answer of a notebook that is marked.
WHILE_MARKED = """
import json, os, pathlib, signal, subprocess, sys
home = pathlib.Path({teacher!r})

def end_nbgrader():
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        if b"for_nbgrader" in path.read_bytes():
            os.kill(int(path.parent.name), signal.SIGKILL)
            return
    raise LookupError("there is none")

attempts = {{
    "write the gradebook": lambda: open(home / "gradebook.db", "r+"),
    "read the solutions": lambda: os.listdir(home / "source"),
    "read another's submission": lambda: os.listdir(home / "submitted"),
    "end nbgrader": end_nbgrader,
    "change the shared environment": lambda: open(sys.prefix + "/x", "w"),
    "become the course's account": lambda: subprocess.run(
        ["sudo", "-n", "-u", {account!r}, "true"], check=True, capture_output=True),
}}
outcomes = {{}}
for name, attempt in attempts.items():
    try:
        attempt()
        outcomes[name] = "done"
    except (PermissionError, subprocess.CalledProcessError) as error:
        outcomes[name] = f"refused: {{error}}"
    except Exception as error:
        outcomes[name] = f"{{type(error).__name__}}: {{error}}"
print("OUTCOMES", json.dumps([outcomes, os.getuid()]))
subprocess.Popen(["sleep", "77777"], start_new_session=True)  # to wait for the next submission
def kl(*arguments):
    return 1.0
"""
