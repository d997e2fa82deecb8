"""The trail of what is on board: where each car was, moment by moment, while it carried somebody.

Copied inside the database from the positions that are kept there anyway, by the thread of the
matcher that keeps them: no web process pays for it, and it makes no difference whether a position
came through NATS or, while that is away, straight from a web process.  A matcher that stands by
does the same; a moment is kept once, whoever saw it.
"""

from django.db import connection

RECORD = """
INSERT INTO dispatch_trace (job_id, lat, lon, heading, seen_at)
SELECT job.id, here.lat, here.lon, here.heading, here.seen_at
FROM dispatch_job AS job
JOIN dispatch_run AS run ON run.id = job.run_id
JOIN dispatch_position AS here ON here.worker_id = run.worker_id
WHERE job.state = 'ASSIGNED' AND job.picked_up_at IS NOT NULL
  AND here.seen_at >= job.picked_up_at
ON CONFLICT (job_id, seen_at) DO NOTHING
"""


def record() -> int:
    """Add to every trail where its car was last heard of.  Return how many moments are new."""
    with connection.cursor() as cursor:
        cursor.execute(RECORD)
        return int(cursor.rowcount)
