"""Set up a class's server: `sudo python3 hub/set_up.py --url https://hub.example.org`; again, to bring it up to date.

It wants Debian or Ubuntu, and needs nothing but their Python. See hub/README.md.
"""

import argparse
import grp
import hashlib
import ipaddress
import json
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tools import set_up as packages  # noqa: E402  # which needs nothing but Python, either

HERE = ROOT / "hub"
COURSE_ID, ASSIGNMENT = "vae-by-doing", "05_exercises"
PROXIES = {20: "5.3.0", 14: "4.6.3"}  # the newest proxy for a Node of this version or newer
PYTHON = Path("/usr/bin/python3")  # any other may lie where students can't read
UNIT = """[Unit]
Description=JupyterHub of the course on variational autoencoders
After=network.target

[Service]
Environment=PATH={prefix}/env/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStart={prefix}/env/bin/jupyterhub -f {prefix}/jupyterhub_config.py
WorkingDirectory={state}/hub
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""


def main(arguments=None):
    """Everything, in an order in which each step finds what it needs."""
    chosen = parse(arguments)
    find_faults(chosen)
    os.umask(0o022)
    prefix, state = Path(chosen["prefix"]), Path(chosen["state"])
    install_debian_packages()
    make_environment(prefix)
    install_proxy(prefix)
    make_accounts(chosen)
    make_folders(chosen)
    write_settings(chosen, prefix)
    make_lessons(prefix)
    make_course(chosen, prefix)
    if Path("/run/systemd/system").is_dir():
        write(Path("/etc/systemd/system/vae-hub.service"), UNIT.format(prefix=prefix, state=state))
        run("systemctl", "daemon-reload")
    print(f"Set up. The hub's settings are {prefix}/jupyterhub_config.py; its data are in {state}.", flush=True)


def parse(arguments):
    """What the school chose, as it is kept in hub.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="where browsers find the hub, such as https://hub.example.org")
    parser.add_argument("--certificate", default="", help="a file with the chain, where no proxy brings TLS")
    parser.add_argument("--key", default="", help="the certificate's key")
    parser.add_argument("--port", type=int, help="8000, or 443 with a certificate")
    parser.add_argument("--memory", default="4G", help="of one student's server, with its kernels")
    parser.add_argument("--marking", type=int, default=os.cpu_count(), help="submissions to mark at a time")
    parser.add_argument("--prefix", default="/opt/vae-by-doing", help="for programs; students read it")
    parser.add_argument("--state", default="/var/lib/vae-by-doing", help="for data")
    parser.add_argument("--course", default="vae-course", help="the account that owns exercises and marks")
    parser.add_argument("--students", default="vae-students", help="the group of those who may log in")
    parser.add_argument("--teachers", default="vae-teachers", help="the group of those who see the marks")
    chosen = vars(parser.parse_args(arguments))
    chosen["port"] = chosen["port"] or (443 if chosen["certificate"] else 8000)
    chosen["url"] = chosen["url"].rstrip("/")
    chosen["loopback"] = is_loopback(urlsplit(chosen["url"]).hostname or "")
    chosen["markers"] = [f"{chosen['course']}-mark{i + 1}" for i in range(chosen.pop("marking"))]
    return chosen


def is_loopback(host):
    """Whether only this machine reaches a host of that name."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_faults(chosen):
    """End with a sentence where the set-up can't succeed, before anything is changed."""
    url = urlsplit(chosen["url"])
    fault = None
    if os.geteuid() != 0:
        fault = "The set-up adds users, so it runs as root: sudo python3 hub/set_up.py ..."
    elif not shutil.which("apt-get") or not PYTHON.exists():
        fault = "The set-up wants Debian or Ubuntu, with /usr/bin/python3."
    elif version(PYTHON) not in packages.VERSIONS:
        found = f"{PYTHON} is {version(PYTHON)}"
        fault = f"The lessons need Python 3.11, 3.12 or 3.13, and {found}: take a system that has one of them."
    elif url.scheme not in ("http", "https") or not url.hostname or url.path:
        fault = f"--url must be an address such as https://hub.example.org, and it is {chosen['url']}."
    elif url.scheme == "http" and not chosen["loopback"]:
        fault = f"Passwords need TLS where others reach the hub: --url must begin with https://, not {chosen['url']}."
    elif bool(chosen["certificate"]) != bool(chosen["key"]):
        fault = "--certificate and --key go together."
    elif missing := next((chosen[name] for name in ("certificate", "key") if not readable(chosen[name])), None):
        fault = f"There is no file {missing}: --certificate and --key name the files of the TLS certificate."
    elif not re.fullmatch(r"\d+[MGT]", chosen["memory"]):
        fault = f"--memory must be a number and a unit, such as 4G, and it is {chosen['memory']}."
    elif not chosen["markers"]:
        fault = "--marking must be 1 or more."
    elif closed := next(filter(is_closed, folders_above(chosen["prefix"])), None):
        fault = f"Students can't read {chosen['prefix']}, since {closed} is closed to them: choose another --prefix."
    elif closed := next(filter(is_closed, folders_above(chosen["state"])), None):
        fault = f"Students can't reach {chosen['state']}, since {closed} is closed to them: choose another --state."
    elif (free := shutil.disk_usage(next(folders_above(chosen["prefix"]))).free) < 4e9:
        fault = f"The packages need 4 GB, and {free / 1e9:.1f} GB are free for {chosen['prefix']}: make room there."
    if fault:
        raise SystemExit(fault)


def readable(name):
    """Whether a file is there, where one is named."""
    return not name or Path(name).is_file()


def folders_above(path):
    """The folders on the way to a path that exist, the nearest first."""
    return (folder for folder in (Path(path), *Path(path).parents) if folder.is_dir())


def is_closed(folder):
    """Whether other users can't go through a folder."""
    return not folder.stat().st_mode & stat.S_IXOTH


def version(python):
    """A Python's version, such as "3.11"."""
    return packages.answer(python, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2], end='')")[1]


def run(*command, **options):
    """Run a command that must succeed; what it says is shown where it doesn't."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if result.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed: mend that and try again.\n{result.stdout[-2000:]}")
    return result.stdout


def write(path, text, mode=0o644):
    """Write a file, whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    new.chmod(mode)
    new.replace(path)


def install_debian_packages():
    """What the system lacks; a Node that is there stays."""
    missing = [] if packages.answer(PYTHON, "-c", "import ensurepip")[0] == 0 else ["python3-venv"]
    missing += [name for name in ("sudo", "npm") if not shutil.which(name)]
    missing += [] if shutil.which("node") else ["nodejs"]
    if missing:
        print(f"Installing {', '.join(missing)}.", flush=True)
        run("apt-get", "update")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "install", "-y", "--no-install-recommends", *missing, env=environment)


def make_environment(prefix):
    """One environment for all, which only root can change; pylib lies in it, not here."""
    environment = prefix / "env"
    python = environment / "bin/python"
    done = environment / "set-up.txt"
    wanted = digest()
    if done.exists() and done.read_text() == wanted and version(python) == version(PYTHON):
        return
    done.unlink(missing_ok=True)
    print(f"Fetching {packages.COSTS['lab']}.", flush=True)
    new = version(python) != version(PYTHON)
    run(PYTHON, "-m", "venv", *(["--clear"] if new else []), environment)
    packages.BIN, packages.PYTHON = environment / "bin", python
    packages.PIP = [str(python), "-m", "pip", "--disable-pip-version-check"]
    requirements = environment / "requirements.txt"
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    requirements.write_text("\n".join(line for line in lines if not line.startswith("-e")) + "\n")
    uv = packages.answer(*packages.PIP, "install", "--quiet", packages.UV)[0] == 0
    with_constraints = ["-c", str(ROOT / "constraints.txt")]
    failed, error = packages.fetch(uv, [*with_constraints, "-r", str(requirements), f"{ROOT}[hub]"])
    # Its version may be the same while its text is not.
    failed = failed or packages.pip("install", "--quiet", "--no-deps", "--force-reinstall", str(ROOT))[0]
    if failed:
        raise SystemExit(f"The packages could not be installed: look at the network, and try again ({error}).")
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    done.write_text(wanted)


def digest():
    """What decides what is installed, as one number."""
    files = [ROOT / name for name in ("requirements.txt", "constraints.txt", "pyproject.toml")]
    files += [path for path in sorted((ROOT / "pylib").rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def install_proxy(prefix):
    """The proxy that fits the system's Node."""
    node = int(packages.answer("node", "--version")[1].strip().removeprefix("v").split(".")[0] or 0)
    fitting = next((PROXIES[least] for least in sorted(PROXIES, reverse=True) if node >= least), None)
    if fitting is None:
        raise SystemExit(f"The proxy needs Node 14 or newer, and node is {node or 'missing'}: install a newer one.")
    manifest = prefix / "proxy/node_modules/configurable-http-proxy/package.json"
    if not manifest.exists() or json.loads(manifest.read_text())["version"] != fitting:
        print(f"Installing the proxy, {fitting}, which fits Node {node}.", flush=True)
        (prefix / "proxy").mkdir(exist_ok=True)
        wanted = f"configurable-http-proxy@{fitting}"
        run("npm", "install", "--no-audit", "--no-fund", "--prefix", prefix / "proxy", wanted, cwd=prefix)


def make_accounts(chosen):
    """Groups, the course's account, and the users as whom students' code is marked; none of them can log in."""
    for group in (chosen["students"], chosen["teachers"]):
        run("groupadd", "--force", group)
    nobody = ["--system", "--user-group", "--shell", "/usr/sbin/nologin"]
    homes = {name: f"{chosen['state']}/marking/{name}" for name in chosen["markers"]}
    for name, home in {chosen["course"]: f"{chosen['state']}/{chosen['course']}", **homes}.items():
        try:
            if pwd.getpwnam(name).pw_dir != home:
                raise SystemExit(f"There is a user {name} already, with another home: choose another --course.")
        except KeyError:
            run("useradd", *nobody, "--no-create-home", "--home-dir", home, name)
    if Path("/etc/cron.d").is_dir():  # what is marked leaves nothing behind for later
        denied = Path("/etc/cron.deny")
        lines = denied.read_text().splitlines() if denied.exists() else []
        if new := [name for name in chosen["markers"] if name not in lines]:
            write(denied, "\n".join(lines + new) + "\n")


def make_folders(chosen):
    """The hub's own data, the exchange, and places for marking, each with its owner and mode."""
    state = Path(chosen["state"])
    course = chosen["course"]
    make_folder(state, "root", 0o755)
    make_folder(state / "hub", "root", 0o700)
    make_folder(state / course, course, 0o700)
    # Sticky: in a folder that all write to, nobody can rename or delete what is another's.
    make_folder(state / "exchange", "root", 0o1777)
    make_folder(state / "exchange" / COURSE_ID, course, 0o755)
    make_folder(state / "exchange" / COURSE_ID / "inbound", course, 0o3733)
    make_folder(state / "exchange" / COURSE_ID / "feedback", course, 0o711)
    make_folder(state / "marking", "root", 0o755)
    make_folder(state / "marking/locks", "root", 0o755)
    for name in chosen["markers"]:
        make_folder(state / "marking" / name, name, 0o2750, group=course)
        make_folder(state / "marking" / name / "sockets", name, 0o2750, group=course)
        lock = state / "marking/locks" / name
        lock.touch()
        give(lock, "root", 0o640, group=course)
    for lock in (state / "marking/locks").iterdir():
        if lock.name not in chosen["markers"]:
            lock.unlink()


def make_folder(path, owner, mode, group=None):
    """A folder with its owner and mode, whatever it had."""
    path.mkdir(parents=True, exist_ok=True)
    give(path, owner, mode, group)


def give(path, owner, mode, group=None):
    """Set owner, group and mode."""
    os.chown(path, pwd.getpwnam(owner).pw_uid, grp.getgrnam(group or owner).gr_gid)
    path.chmod(mode)


def write_settings(chosen, prefix):
    """The hub's, JupyterLab's and nbgrader's settings, the kernel for marking, and who may use it."""
    write(prefix / "hub.json", json.dumps(chosen, indent=1) + "\n")
    environment = prefix / "env"
    # Not for students' eyes: a single sign-on's secret may be written into it.
    write(prefix / "jupyterhub_config.py", (HERE / "jupyterhub_config.py").read_text(), 0o600)
    for name in ("jupyter_server_config.py", "nbgrader_config.py"):
        shutil.copy(HERE / name, environment / "etc/jupyter")
    (modules,) = environment.glob("lib/python3.*/site-packages")
    (modules / "vae_hub").mkdir(exist_ok=True)
    for name in ("collecting.py", "marking_kernel.py"):
        shutil.copy(HERE / name, modules / "vae_hub")
    for name, content in packages.SETTINGS.items():
        if name != "etc/jupyter/jupyter_config.json":  # each user keeps their own list of trusted notebooks
            (environment / name).parent.mkdir(parents=True, exist_ok=True)
            write(environment / name, json.dumps(content, indent=2) + "\n")
    script = [str(environment / "bin/python"), "-I", str(modules / "vae_hub/marking_kernel.py"), "for_nbgrader"]
    kernel = {
        "argv": [*script, "{connection_file}", f"{chosen['state']}/marking"],
        "display_name": "for marking",
        "language": "python",
        "interrupt_mode": "message",  # the course's account can't signal another user's process
    }
    folder = Path(chosen["state"], chosen["course"], ".local/share/jupyter/kernels/marking")
    as_course(chosen, "mkdir", "-p", folder)
    as_course(chosen, "tee", folder / "kernel.json", input=json.dumps(kernel))
    names = ",".join(chosen["markers"])
    rule = f"{chosen['course']} ALL=({names}) NOPASSWD: ALL\nDefaults:{chosen['course']} !use_pty, !requiretty\n"
    write(Path(f"/etc/sudoers.d/{chosen['course']}"), rule, 0o440)
    run("visudo", "--check", "--file", f"/etc/sudoers.d/{chosen['course']}")


def as_course(chosen, *command, **options):
    """Run a command as the course's account, in its home."""
    home = Path(chosen["state"], chosen["course"])
    return run("sudo", "-n", "-H", "-u", chosen["course"], "--", *command, cwd=home, **options)


def make_lessons(prefix):
    """What each student's server copies into the student's home. Lesson 05 comes through nbgrader."""
    make_folder(prefix / "lessons", "root", 0o755)
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        if ASSIGNMENT not in path.name:
            shutil.copy(path, prefix / "lessons")
            (prefix / "lessons" / path.name).chmod(0o644)


def make_course(chosen, prefix):
    """The course's folder, which is its account's home; what the teachers have changed there stays."""
    home, teacher = Path(chosen["state"], chosen["course"]), ROOT / "notebooks/teacher"
    as_course(chosen, "mkdir", "-p", home / "source" / ASSIGNMENT, home / ".jupyter")
    for source, target in (
        (HERE / "course_nbgrader_config.py", home / ".jupyter/nbgrader_config.py"),
        (teacher / "nbgrader_config.py", home / "nbgrader_config.py"),
        (teacher / f"{ASSIGNMENT}.ipynb", home / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"),
    ):
        if target.suffix == ".py" or not target.exists():
            as_course(chosen, "tee", target, input=source.read_text())


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted: the same command goes on.") from None
    except OSError as error:
        raise SystemExit(f"{error.filename} can't be used ({error.strerror}): mend that and try again.") from None
