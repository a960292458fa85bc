"""What ends or refuses a job on purpose."""

from config.errors import Conflict


class JobRefused(Conflict):
    """A job cannot be submitted, cancelled or retried as asked; the message can be shown."""


class UnknownJobKindError(JobRefused):
    """No app has registered a handler for that kind."""


class JobFailed(Exception):
    """A handler gives up; the message is shown to the job's owner as it is."""


class JobStopped(Exception):
    """Base of the reasons for which a handler must stop now. Let them pass through."""


class JobLost(JobStopped):
    """Another worker has this job: this attempt may write nothing more."""


class JobCancelled(JobStopped):
    """Somebody asked to cancel the job."""


class JobInterrupted(JobStopped):
    """This worker is being stopped; the job goes back into the queue and can resume."""
