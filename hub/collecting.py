"""nbgrader's `collect`, careful with what students may have put into the exchange by hand.

Its own takes the student's name and the time from a folder's name, follows links with the teacher's rights, and ends at
the first folder whose name it can't read. Here a submission counts for the user who owns its folder, at the time at
which it was last touched, once it is whole; only plain files of that user are copied.
"""

import datetime
import os
import pwd
import stat
from pathlib import Path

from nbgrader.exchange.default import ExchangeCollect

SECONDS = 60  # that handing in may take
LARGEST = 50_000_000  # bytes of a file
MOST = 20  # files of a submission, notebooks first
OF_NBGRADER = ("timestamp.txt", "submission_secret.txt")  # the secret is what it writes last
NEVER = datetime.datetime(1970, 1, 1)


class Collect(ExchangeCollect):
    """What `c.ExchangeFactory.collect` names."""

    def _path_to_record(self, path):
        record = {"username": "", "filename": os.path.basename(path), "timestamp": NEVER}
        try:
            files = dict(_plain_files(path))
            claimed, owner, touched = _claims(files, path)
        except (OSError, ValueError, KeyError) as error:
            self.log.warning("%s is left out, as no whole submission: %s", path, error)
            return record
        if not record["filename"].startswith(f"{owner}+"):
            self.log.warning("%s is owned by %s, and counts as theirs", path, owner)
        if touched > claimed + datetime.timedelta(seconds=SECONDS):
            self.log.warning("%s says %s and was touched at %s, which counts", path, claimed, touched)
            claimed = touched
        return record | {"username": owner, "timestamp": claimed}

    def init_src(self):
        """Choose each student's submission, as nbgrader does."""
        super().init_src()
        self.src_records = [record for record in self.src_records if record["timestamp"] != NEVER]
        self.times = {record["filename"]: record["timestamp"] for record in self.src_records}

    def do_copy(self, src, dest, log=None):
        """Copy the plain files of a submission."""
        os.makedirs(dest)
        for name, (content, _) in _plain_files(src):
            Path(dest, name).write_bytes(content)
        time = self.times[os.path.basename(src)]
        Path(dest, "timestamp.txt").write_text(f"{time:%Y-%m-%d %H:%M:%S.%f} UTC")


def _claims(files, path):
    """When a submission says it was handed in, whose it is, and when it was last touched, in UTC."""
    claimed = datetime.datetime.strptime(files["timestamp.txt"][0].decode().strip(), "%Y-%m-%d %H:%M:%S.%f %Z")
    statuses = [status for _, status in files.values()] + [os.lstat(path)]
    # No user can set a ctime.
    touched = datetime.datetime.fromtimestamp(max(status.st_ctime for status in statuses), datetime.UTC)
    if OF_NBGRADER[-1] not in files:
        raise ValueError("it has no submission_secret.txt")
    return claimed, pwd.getpwuid(statuses[-1].st_uid).pw_name, touched.replace(tzinfo=None)


def _plain_files(path):
    """Names, contents and statuses of the files at the top of a folder that belong to the folder's owner."""
    # The owner may change the folder meanwhile, so each file is looked at once it is open.
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        owner = os.fstat(folder).st_uid
        names = sorted(os.listdir(folder), key=lambda name: (not name.endswith(".ipynb"), name))
        for name in [*OF_NBGRADER, *[name for name in names if name not in OF_NBGRADER][:MOST]]:
            try:
                number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            except OSError:  # a link, not readable, or not there
                continue
            try:
                status = os.fstat(number)
                if stat.S_ISREG(status.st_mode) and status.st_uid == owner and status.st_size <= LARGEST:
                    with open(number, "rb", closefd=False) as file:
                        yield name, (file.read(LARGEST), status)
            finally:
                os.close(number)
    finally:
        os.close(folder)
