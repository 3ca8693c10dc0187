"""nbgrader's settings for lesson 05: copy this file into the folder of your course (see TEACHING.md)."""

import os

from pylib._marking import autograde_preprocessors

# What a library writes to the error stream while a test runs would cost its marks.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
# One core a submission: as many at a time as there are cores take less time than one after the other on all of them.
for threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[threads] = "1"

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "vae-by-doing"
c.Execute.timeout = 90  # seconds for one cell; an answer that never ends is stopped, and the next cell runs
c.Execute.iopub_timeout = 60  # a network in training takes a while to stop, and must not cost the other marks
c.Execute.skip_cells_with_tag = "not-when-marking"  # they show the learner something, and have no points
c.OverwriteCells.add_missing_cells = True  # a check that was deleted by mistake still counts

# What functions returned for the hidden cases is judged in a process in which no student's code ever ran.
c.Autograde.autograde_preprocessors = autograde_preprocessors()
