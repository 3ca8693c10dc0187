"""nbgrader's settings for the course's account; it lies in ~/.jupyter, beside none of what marking decides."""

from pathlib import Path

from vae_hub.collecting import Collect

c = get_config()  # noqa: F821
c.CourseDirectory.root = str(Path.home())
c.ExchangeFactory.collect = Collect
# Students' code runs as a user who owns nothing, whichever kernel their notebook asks for.
c.Execute.kernel_name = "marking"
c.KernelManager.transport = "ipc"
