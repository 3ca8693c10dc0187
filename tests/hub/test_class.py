"""A day of a class on one server: ten students and a teacher, as system users, through HTTPS.

Only where SYSTEM_USERS=1 allows it, as root: users are added to this machine, and removed whatever happens.
"""

import concurrent.futures
import csv
import dataclasses
import datetime
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import nbformat
import pytest
from playwright.sync_api import Error, sync_playwright

from tests.hub import classroom, hostile
from tests.hub.classroom import COURSE, COURSE_HOME, INBOUND, NAME, NAMES, PREFIX, STATE, Person, as_user, nbgrader
from tests.test_teaching import ANSWERED, CRASHING, NEVER_ENDING, RIGHT_ENTROPY, WRONG, changed
from tools.student_release import graded

pytestmark = [
    pytest.mark.hub,
    pytest.mark.skipif(not os.environ.get("SYSTEM_USERS"), reason="adds system users: SYSTEM_USERS=1 allows it"),
]
ROOT = classroom.ROOT
HOSTS = (classroom.HOST, f"student01.{classroom.HOST}")
HANDED_OUT = graded(nbformat.read(ROOT / "notebooks" / f"{NAME}.ipynb", as_version=4))
SOLVED = nbformat.read(ROOT / "notebooks/teacher" / f"{NAME}.ipynb", as_version=4)
SPYING = hostile.WHILE_MARKED.format(teacher=str(COURSE_HOME), account=COURSE)
ONE_POINT = {"laplace-entropy-answer": RIGHT_ENTROPY}
NOTEBOOKS = {
    "student01": changed(HANDED_OUT, {cell.id: cell.source for cell in SOLVED.cells}),
    "student02": changed(HANDED_OUT, WRONG | ONE_POINT),
    "student03": HANDED_OUT,
    "student04": changed(HANDED_OUT, CRASHING | ONE_POINT),
    "student05": changed(HANDED_OUT, {"laplace-entropy-answer": NEVER_ENDING["laplace-entropy-answer"]}),
    "student06": changed(HANDED_OUT, ONE_POINT),  # late
    "student07": changed(HANDED_OUT, {"kl-answer": SPYING}),  # hostile while it is marked
    "student08": changed(HANDED_OUT, ONE_POINT),  # whose server is killed
    "student09": HANDED_OUT,  # hostile in a kernel
    "student10": HANDED_OUT,  # hostile in the exchange
}


@dataclasses.dataclass
class Day:
    """What came of it."""

    seconds: dict = dataclasses.field(default_factory=dict)  # from login to a kernel's first answer, by student
    memory: dict = dataclasses.field(default_factory=dict)  # megabytes of server and kernel, by student
    errors: list = dataclasses.field(default_factory=list)
    attempts: dict = dataclasses.field(default_factory=dict)
    allowed: dict = dataclasses.field(default_factory=dict)  # the same attempts, by whom they are allowed to
    marking: float = 0.0
    collected: str = ""
    marked: str = ""
    formgrader: str = ""
    terminal: str = ""
    health: list = dataclasses.field(default_factory=list)
    feedback: str = ""
    strangers: dict = dataclasses.field(default_factory=dict)
    unfinished: list = dataclasses.field(default_factory=list)
    begin: float = dataclasses.field(default_factory=time.monotonic)
    clock: list = dataclasses.field(default_factory=list)  # what was done, and when: seconds from the day's begin

    def done(self, what):
        self.clock.append((time.monotonic() - self.begin, what))


@pytest.fixture(scope="module", autouse=True)
def localhost():
    """Names that end in .localhost are this machine's, as browsers know."""
    resolve = socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch:
        here = lambda host: "127.0.0.1" if str(host).endswith(".localhost") else host  # noqa: E731
        patch.setattr(socket, "getaddrinfo", lambda host, *rest, **options: resolve(here(host), *rest, **options))
        yield


@pytest.fixture(scope="module")
def server():
    """A server that is set up, with users, and clean afterwards; also after a run that was killed, at the next one."""
    assert os.geteuid() == 0, "SYSTEM_USERS=1 needs root"
    before = signal.signal(signal.SIGTERM, lambda *_: pytest.exit("ended"))
    classroom.clean_up()
    try:
        start = time.monotonic()
        done = classroom.set_up()
        assert done.returncode == 0, done.stdout[-3000:]
        classroom.add_users()
        yield time.monotonic() - start
    finally:
        classroom.clean_up()
        signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def day(server):
    """The whole day; the tests look at what came of it."""
    day = Day()
    with concurrent.futures.ThreadPoolExecutor(2) as two_at_a_time:
        released = two_at_a_time.submit(_release, day)
        with classroom.hub():
            day.done("hub answers")
            released.result()
            names = [*sorted(set(NAMES) - {"student06", "student09"}), "student06"]  # the late one comes last
            attending = {name: two_at_a_time.submit(_attend, day, name) for name in names}
            people = {name: done.result() for name, done in attending.items()}
            day.collected = nbgrader("collect", NAME)
            now = datetime.datetime.now(datetime.UTC)
            nbgrader("db", "assignment", "add", NAME, "--duedate", f"{now:%F %T UTC}")
            late = [two_at_a_time.submit(_hand_in_once_more), two_at_a_time.submit(_forge)]
            people["student06"].assignments("submit")  # late
            people["student06"].stop()
            for done in late:
                done.result()
            day.done("late and forged ones handed in")
            day.collected += nbgrader("collect", NAME, "--update")
            day.done("collected")
            marking = two_at_a_time.submit(_mark, day)
            _look_at_the_formgrader(day)
            day.done("formgrader seen")
            _be_hostile(day)
            day.done("hostile student refused")
            marking.result()
            day.done("marked")
            exported = two_at_a_time.submit(nbgrader, "export", "--to", "marks.csv")
            nbgrader("generate_feedback", NAME)
            nbgrader("release_feedback", NAME)
            exported.result()
            day.done("feedback released")
            _fetch_feedback(day)
            day.done("feedback fetched")
        _dismiss_the_teacher(day)
        day.done("hub started again")
    return day


def _hand_in_once_more():
    """student03, whose notebook was empty, has found something after the due date."""
    nbformat.write(NOTEBOOKS["student06"], classroom.HOMES / "student03" / NAME / f"{NAME}.ipynb")
    code, text = as_user("student03", "nbgrader", "submit", NAME)
    assert code == 0, text


def _dismiss_the_teacher(day):
    """Who is a teacher is read anew when the hub starts."""
    classroom.run("gpasswd", "--delete", "teacher01", classroom.TEACHERS)
    classroom.run("usermod", "--append", "--groups", classroom.STUDENTS, "teacher01")
    with classroom.hub():
        former = Person("teacher01")
        assert former.log_in(classroom.password("teacher01")) == 302
        day.strangers["a former teacher"] = former.hub("POST", f"users/{COURSE}/server").status_code


def _forge():
    forgeries = hostile.FORGERIES.format(
        inbound=str(INBOUND),
        notebook=f"{NAME}/{NAME}.ipynb",
        victim="student02",
        name="student10",
        solutions=str(COURSE_HOME / "source" / NAME / f"{NAME}.ipynb"),
    )
    code, text = as_user("student10", "python", "-c", forgeries)
    assert code == 0, text


def _release(day):
    nbgrader("generate_assignment", NAME)
    nbgrader("release_assignment", NAME)
    day.done("exercises released")


def _attend(day, name):
    """Log in, start a server and a kernel, fetch, work, and hand in: but for student06, who has not done so yet."""
    start = time.monotonic()
    person = Person(name)
    assert person.log_in(classroom.password(name)) == 302
    person.start()
    kernel = person.kernel()
    assert kernel.run("print(6 * 7)") == "42\n"
    day.seconds[name] = time.monotonic() - start
    day.done(f"{name} has a kernel")
    person.assignments("fetch")
    path = f"{NAME}/{NAME}.ipynb"
    person.save(path, NOTEBOOKS[name])
    if name == "student01":
        for cell in HANDED_OUT.cells:
            if cell.cell_type == "code":
                kernel.run(cell.source)
    elif name <= "student04":  # the others' kernels tell what an idle one holds
        kernel.run("from pylib import checks, pretrained\nvae = pretrained.load('vae_2')")
    day.memory[name] = classroom.memory(name)
    day.done(f"{name} has worked")
    if name == "student06":
        return person
    person.assignments("submit")
    day.done(f"{name} has handed in")
    if name == "student08":
        _kill_while_handing_in(day, person)
    person.stop()
    day.done(f"{name} has stopped")
    return person


def _kill_while_handing_in(day, person):
    """Hand in once more, with thousands of files, and kill all of the student's processes in the middle."""
    as_user(person.name, "sh", "-c", f"cd {NAME} && seq 5000 | split -l 1 -a 4 - file")
    before = set(INBOUND.glob("student08+*"))
    threading.Thread(target=_hand_in_whatever_comes, args=(person,), daemon=True).start()
    (folder,) = classroom.wait_until(lambda: set(INBOUND.glob("student08+*")) - before, "nothing is handed in")
    uid = os.stat(folder).st_uid
    classroom.wait_until(lambda: not classroom.end_processes({uid}, programs=False), "the server goes on")
    day.unfinished = sorted(path.name for path in folder.iterdir())
    classroom.wait_until(lambda: not person.hub("GET", f"users/{person.name}").json()["servers"], "the hub didn't see")
    person.start()
    kept = person.call("GET", f"api/contents/{NAME}/{NAME}.ipynb").json()["content"]["cells"]
    assert [cell["source"] for cell in kept] == [cell.source for cell in NOTEBOOKS[person.name].cells]


def _hand_in_whatever_comes(person):
    try:
        person.assignments("submit")
    except Exception:  # the server is killed
        pass


def _mark(day):
    """As hub/README.md says, but with a shorter time for what never ends: several cells wait for it, one by one."""
    students = sorted(os.listdir(COURSE_HOME / "submitted"), key=lambda name: (name != "student05", name))
    lines = [f"--student={name} --Execute.timeout={15 if name == 'student05' else 60}" for name in students]
    start = time.monotonic()
    command = ["xargs", "-L", "1", "-P", "2", "nbgrader", "autograde", NAME]
    _, day.marked = as_user(COURSE, *command, input="\n".join(lines))
    day.marking = time.monotonic() - start


def _be_hostile(day):
    """student09 tries everything while student01 works."""
    victim, person = Person("student01"), Person("student09")
    kernels = {}
    for each in (victim, person):
        start = time.monotonic()
        assert each.log_in(classroom.password(each.name)) == 302
        each.start()
        kernels[each] = each.kernel()
        kernels[each].run("1")
        day.seconds.setdefault(each.name, time.monotonic() - start)
    home = classroom.HOMES / "student01"
    runtime = home / ".local/share/jupyter/runtime"
    server = json.loads(_newest(runtime.glob("jpserver-*.json")).read_text())
    known = {
        "name": "student01",
        "home": str(home),
        "notebook": str(home / NAME / f"{NAME}.ipynb"),
        "inbound": str(INBOUND),
        "submission": str(next(INBOUND.glob("student01+*"))),
        "course": str(INBOUND.parent),
        "teacher": str(COURSE_HOME),
        "state": str(STATE),
        "prefix": str(PREFIX),
        "pid": server["pid"],
        "port": server["port"],
        "socket": str(_newest(runtime.glob("kernel-*-ipc-*"))),
        "marking": str(STATE / "marking" / f"{COURSE}-mark1"),
        "account": COURSE,
        "key": str(classroom.KEY),
        "proxy": classroom.PORT + 1,
    }
    attempts = f"known = {known!r}\n{hostile.ATTEMPTS}"
    day.attempts = json.loads(kernels[person].run(attempts))
    by_the_victim = json.loads(kernels[victim].run(attempts))
    hub = {"JUPYTERHUB_API_TOKEN": "none", "JUPYTERHUB_API_URL": f"http://127.0.0.1:{classroom.PORT + 81}/hub/api"}
    by_root = json.loads(classroom.run(sys.executable, "-c", attempts, env=os.environ | hub))
    day.allowed = {name: by_the_victim[name] for name in hostile.BY_THE_VICTIM}
    day.allowed |= {name: by_root[name] for name in hostile.BY_ROOT}
    day.memory["student09"] = classroom.memory("student09")
    for server in ("student01", COURSE):
        day.strangers[server] = person.call("GET", "api/contents", server=server).status_code
    day.strangers["start"] = person.hub("POST", f"users/{COURSE}/server").status_code
    day.strangers["wrong password"] = Person("student01").log_in("wrong")
    day.strangers["the course's account"] = Person(COURSE).log_in("")
    for each in (victim, person):
        each.stop()


def _newest(paths):
    return max(paths, key=os.path.getmtime)


def _look_at_the_formgrader(day):
    """A teacher logs in with Chromium, starts the course's server and opens the formgrader in JupyterLab."""
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
    assert path, "no Chromium or Chrome on PATH"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(ignore_https_errors=True)  # whose authority no browser knows
        page.set_default_timeout(90_000)
        try:
            page.goto(f"{classroom.URL}/hub/login?next=/hub/spawn/{COURSE}")
            page.get_by_label("Username").fill("teacher01")
            page.get_by_label("Password").fill(classroom.password("teacher01"))
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("button", name="Authorize").click()
            page.get_by_text("Nbgrader", exact=True).first.click()
            page.get_by_text("Formgrader", exact=True).first.click()
            frame = page.frame_locator("iframe[src*=formgrader]")
            frame.get_by_role("link", name=NAME).wait_for()
            day.formgrader = frame.locator("table").inner_text()
        except Error as error:
            day.formgrader = f"{error}\n{page.url}\n{page.inner_text('body')[:2000]}"
        browser.close()
    teacher = Person("teacher01", server=COURSE)
    teacher.log_in(classroom.password("teacher01"))
    day.terminal = teacher.terminal("nbgrader --version")
    day.health = [teacher.session.get(f"https://{host}/hub/health").status_code for host in HOSTS]


def _fetch_feedback(day):
    person = Person("student01")
    person.log_in(classroom.password(person.name))
    person.start()
    person.assignments("fetch_feedback")
    pages = list((classroom.HOMES / "student01" / NAME / "feedback").rglob("*.html"))
    day.feedback = pages[0].read_text() if pages else ""


@pytest.fixture(scope="module")
def marks(day):
    with (COURSE_HOME / "marks.csv").open(newline="") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


def test_marks_as_deserved(day, marks):
    scores = {name: float(row["score"]) for name, row in marks.items()}
    expected = dict.fromkeys(("student02", "student04", "student06", "student08"), 1.0)
    expected |= dict.fromkeys(("student03", "student05", "student07"), 0.0)
    assert {name: scores[name] for name in expected} == expected, day.marked[-3000:]
    assert scores["student01"] == ANSWERED, day.marked[-3000:]


def test_who_is_late(day, marks):
    row = marks["student06"]
    assert row["timestamp"] > row["duedate"]
    assert marks["student01"]["timestamp"] < row["duedate"]
    assert marks["student03"]["timestamp"] < row["duedate"]  # who handed in once more, and later


def test_a_killed_server_loses_nothing(day, marks):
    assert day.unfinished and "submission_secret.txt" not in day.unfinished
    assert f"{NAME}.ipynb" in os.listdir(COURSE_HOME / "submitted/student08" / NAME)
    assert float(marks["student08"]["score"]) == 1


def test_forged_submissions_count_for_nobody_else(day, marks):
    assert float(marks["student02"]["score"]) == 1  # which the forged one, blank and later, has not
    assert "student02+05_exercises+2999" in day.collected and "counts as theirs" in day.collected
    assert "no whole submission" in day.collected and "yesterday" in day.collected
    assert "+early says 2001-01-01" in day.collected and "which counts" in day.collected
    folder = COURSE_HOME / "submitted/student10" / NAME
    assert not (folder / f"{NAME}.ipynb").is_symlink() and not (folder / "names.txt").exists()
    assert not any((COURSE_HOME / "autograded/student10").rglob("*.ipynb")) or float(marks["student10"]["score"]) == 0


@pytest.mark.parametrize("attempt", hostile.ATTEMPTS.split('\n    "')[1:], ids=lambda text: text.split('"')[0])
def test_what_a_student_tries_is_refused(day, attempt):
    assert day.attempts[attempt.split('"')[0]].startswith("refused: ")


@pytest.mark.parametrize("attempt", hostile.BY_THE_VICTIM + hostile.BY_ROOT)
def test_to_others_the_same_is_allowed(day, attempt):
    assert day.allowed[attempt] == "done"


def test_strangers_are_refused_by_the_hub(day):
    assert day.strangers == {
        "student01": 403,
        COURSE: 403,
        "start": 404,
        "wrong password": 403,
        "the course's account": 403,
        "a former teacher": 404,
    }


def test_what_is_tried_while_marked_is_refused(day):
    notebook = nbformat.read(COURSE_HOME / "autograded/student07" / NAME / f"{NAME}.ipynb", as_version=4)
    (cell,) = [cell for cell in notebook.cells if cell.id == "kl-answer"]
    outcomes, uid = json.loads(cell.outputs[0].text.removeprefix("OUTCOMES "))
    assert len(outcomes) == 6 and all(outcome.startswith("refused: ") for outcome in outcomes.values()), outcomes
    marking = {classroom.pwd.getpwnam(f"{COURSE}-mark{i}").pw_uid for i in (1, 2)}
    assert uid in marking
    left = [classroom.command_line(pid) for pid in classroom.processes() if classroom.uid_of(pid) in marking]
    assert left == []


def test_the_formgrader_opens_in_chromium(day):
    assert NAME in day.formgrader and "9" in day.formgrader.split()


def test_a_teachers_terminal_finds_nbgrader(day):
    assert "nbgrader version" in day.terminal


def test_the_hub_answers_under_each_name(day):
    assert day.health == [200, 200]


def test_feedback_reaches_the_student(day):
    assert "HIDDEN TESTS" in day.feedback


def test_figures(day, server, capsys):
    """What hub/README.md quotes."""
    with capsys.disabled():
        print(f"\nset-up {server:.0f} s; marking {len(NAMES)} submissions, two at a time: {day.marking:.0f} s")
        print(*(f"{seconds:6.1f} s  {what}" for seconds, what in day.clock), sep="\n")
        print("student    to a kernel  memory")
        for name in sorted(day.seconds):
            print(f"{name}  {day.seconds[name]:6.1f} s  {day.memory.get(name, 0):5.0f} MB")
    assert max(day.seconds.values()) < 60


def test_the_hub_refuses_an_address_without_tls(server, tmp_path):
    """Even where hub.json was changed by hand."""
    shutil.copy(PREFIX / "jupyterhub_config.py", tmp_path)
    chosen = json.loads((PREFIX / "hub.json").read_text()) | {"url": "http://hub.example.org", "loopback": False}
    (tmp_path / "hub.json").write_text(json.dumps(chosen))
    command = [classroom.BIN / "jupyterhub", "-f", tmp_path / "jupyterhub_config.py"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode != 0 and "must begin with https://" in run.stderr


def test_a_second_set_up_changes_nothing(server):
    start = time.monotonic()
    files = subprocess.check_output(["find", STATE, "-printf", "%p %m %u %g\n"], text=True)
    done = classroom.set_up()
    assert done.returncode == 0 and time.monotonic() - start < 20, done.stdout
    assert subprocess.check_output(["find", STATE, "-printf", "%p %m %u %g\n"], text=True) == files
