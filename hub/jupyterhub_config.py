"""JupyterHub's settings for a class. hub/set_up.py puts this file beside hub.json, which says what the school chose."""

import grp
import json
import os
import pwd
import sys
from pathlib import Path
from urllib.parse import urlsplit

c = get_config()  # noqa: F821
HERE = Path(__file__).resolve().parent
CHOSEN = json.loads((HERE / "hub.json").read_text())
COURSE, STATE, PORT = CHOSEN["course"], Path(CHOSEN["state"]), CHOSEN["port"]
BIN = Path(sys.executable).parent
os.environ["PATH"] = f"{BIN}:{os.environ['PATH']}"  # for terminals in JupyterLab, too

# --- The door. Beyond this machine there is TLS, by the hub's own certificate or by a proxy on this machine before it.
url = CHOSEN["url"]
if CHOSEN["certificate"]:
    c.JupyterHub.ssl_cert, c.JupyterHub.ssl_key = CHOSEN["certificate"], CHOSEN["key"]
    c.JupyterHub.bind_url = f"https://{'127.0.0.1' if CHOSEN['loopback'] else ''}:{PORT}"
else:
    c.JupyterHub.bind_url = f"http://127.0.0.1:{PORT}"
c.JupyterHub.hub_port = PORT + 81
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{PORT + 1}"
c.ConfigurableHTTPProxy.command = [str(HERE / "proxy/node_modules/.bin/configurable-http-proxy")]
c.JupyterHub.subdomain_host = url  # a page of one user's is a stranger to another's
c.JupyterHub.cookie_secret_file = str(STATE / "hub/cookie_secret")
c.JupyterHub.db_url = f"sqlite:///{STATE / 'hub/jupyterhub.sqlite'}"
c.JupyterHub.upgrade_db = True  # a newer JupyterHub's tables, after a copy; else it would not start
c.ConfigurableHTTPProxy.pid_file = str(STATE / "hub/proxy.pid")

# --- Who comes in: system users of two groups, with their passwords. For a school's single sign-on, these lines change.
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.open_sessions = False
c.PAMAuthenticator.allowed_groups = {CHOSEN["students"], CHOSEN["teachers"]}

# --- Teachers share the server of the course's account. Nobody logs in as it, or as root.
c.Authenticator.blocked_users = {COURSE, "root"}
group = grp.getgrnam(CHOSEN["teachers"])
teachers = {*group.gr_mem, *(user.pw_name for user in pwd.getpwall() if user.pw_gid == group.gr_gid)}
c.JupyterHub.load_groups = {"courses": {"users": [COURSE]}}  # so that the hub knows it
c.JupyterHub.load_roles = [
    {
        "name": "teacher",
        "scopes": [f"access:servers!user={COURSE}", f"servers!user={COURSE}", f"read:users:name!user={COURSE}"],
        "users": sorted(teachers),  # these alone: with groups, the hub would keep those of earlier starts
    },
    {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle-culler"],
    },
]

# --- What a server may use, and how long it may idle. Kernels idle half as long: see jupyter_server_config.py.
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600", "--cull-every=300"],
    }
]
c.Spawner.cmd = [str(BIN / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab"
c.Spawner.mem_limit = CHOSEN["memory"]
c.Spawner.cpu_limit = 2
c.Spawner.poll_interval = 5  # seconds in which another's process could answer at the port of a server that ended
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120
c.JupyterHub.concurrent_spawn_limit = 10
threads = {name: "2" for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
c.Spawner.environment = {"TF_CPP_MIN_LOG_LEVEL": "2", **threads}

if Path("/run/systemd/system").is_dir():
    c.JupyterHub.spawner_class = "systemd"  # which keeps the limits
    c.SystemdSpawner.isolate_tmp = True
    c.SystemdSpawner.unit_extra_properties = {"ProtectProc": "invisible", "TasksMax": "500"}

    def before_spawn(spawner):
        """Keep students from sudo; marking needs it."""
        is_student = spawner.user.name != COURSE
        spawner.disable_user_sudo = spawner.isolate_devices = is_student  # without devices there is no sudo either
        if not is_student:
            # It marks several submissions at a time.
            spawner.mem_limit = spawner.cpu_limit = None
            spawner.unit_extra_properties = spawner.unit_extra_properties | {"TasksMax": "infinity"}

    c.Spawner.pre_spawn_hook = before_spawn
else:
    c.JupyterHub.spawner_class = "localprocess"  # which knows no limits

if urlsplit(url).scheme != "https" and not CHOSEN["loopback"]:
    raise SystemExit(f"The hub's address must begin with https:// where others reach it, and it is {url}.")
