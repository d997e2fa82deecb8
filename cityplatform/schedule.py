"""What the city looks at by the clock, and how often."""

from typing import Any

from celery.schedules import crontab

# What is due stands in tables; these only look.  `expires` keeps a backlog from firing at once.
SCHEDULE: dict[str, dict[str, Any]] = {
    # The relay process is faster; this one helps where it is down.
    "relay what is due": {
        "task": "apps.bus.tasks.relay",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    # Says that schedule, broker and worker all go on.
    "heartbeat": {
        "task": "apps.insight.tasks.heartbeat",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "take up dry runs that wait": {
        "task": "apps.insight.tasks.try_out_due",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "sweep the outbox": {
        "task": "apps.bus.tasks.sweep",
        "schedule": crontab(minute=40),
        "options": {"expires": 3000},
    },
    "tidy dispatch": {
        "task": "apps.dispatch.tasks.tidy",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "look for drivers of later rides": {
        "task": "apps.mobility.tasks.begin_searches",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "look after rides under way": {
        "task": "apps.mobility.tasks.look_after_rides",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "forget the ways of old rides": {
        "task": "apps.mobility.tasks.forget_ways",
        "schedule": crontab(minute=30),
        "options": {"expires": 3000},
    },
    "close old reports of lost items": {
        "task": "apps.mobility.tasks.close_old_lost",
        "schedule": crontab(minute=35),
        "options": {"expires": 3000},
    },
    "send the news that is due": {
        "task": "apps.notifications.tasks.send_due",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "forget old news": {
        "task": "apps.notifications.tasks.forget_old",
        "schedule": crontab(hour=7, minute=25),
        "options": {"expires": 3000},
    },
    "ask again about payments": {
        "task": "apps.payments.tasks.ask_again_unanswered",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "heed what the gateway told": {
        "task": "apps.payments.tasks.heed_waiting",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "look for what the gateway could not tell": {
        "task": "apps.payments.tasks.find_missing_events",
        "schedule": crontab(minute=25),
        "options": {"expires": 3000},
    },
    "look for what the gateway could not tell of accounts": {
        "task": "apps.payments.tasks.find_missing_events_of_accounts",
        "schedule": crontab(hour=6, minute=15),
        "options": {"expires": 3000},
    },
    "have banks promise anew": {
        "task": "apps.payments.tasks.renew_promises",
        "schedule": crontab(minute="15,45"),
        "options": {"expires": 1500},
    },
    "have removed cards forgotten": {
        "task": "apps.payments.tasks.forget_removed_cards",
        "schedule": crontab(minute=10),
        "options": {"expires": 3000},
    },
    "show reviews": {
        "task": "apps.reviews.tasks.show_due",
        "schedule": crontab(minute=20),
        "options": {"expires": 3000},
    },
    "remind of papers": {
        "task": "apps.regulation.tasks.remind",
        "schedule": crontab(minute=50),
        "options": {"expires": 3000},
    },
    # Within a minute of a policy's first hour, the making of the routes included.
    "limit the streets": {
        "task": "apps.regulation.tasks.limit_streets",
        "schedule": 20.0,
        "options": {"expires": 20},
    },
    "seal the logs": {
        "task": "apps.audit.tasks.seal_all",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "roll up the books": {
        "task": "apps.ledger.tasks.roll_up",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "close the days of the books": {
        "task": "apps.ledger.tasks.close_days",
        "schedule": crontab(minute=5),
        "options": {"expires": 3000},
    },
    # An inspection shows nothing once its time is over; this has people hear that it is.
    "end inspections whose time is over": {
        "task": "apps.inspection.tasks.end_due",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "put to the bank what was not put": {
        "task": "apps.disputes.tasks.put_waiting",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "remind of disputes": {
        "task": "apps.disputes.tasks.remind",
        "schedule": crontab(minute=15),
        "options": {"expires": 3000},
    },
    # Every hour: it settles the cities where the night has come.
    "settle": {
        "task": "apps.settlement.tasks.settle_all",
        "schedule": crontab(minute=10),
        "options": {"expires": 3000},
    },
    # What the gateway says of our money, and whether the books say the same.
    "read the gateway's lines and compare": {
        "task": "apps.treasury.tasks.reconcile",
        "schedule": 180.0,
        "options": {"expires": 180},
    },
    "compare what is months old, too": {
        "task": "apps.treasury.tasks.reconcile",
        "schedule": crontab(hour=4, minute=40),
        "kwargs": {"is_whole": True},
        "options": {"expires": 3000},
    },
}
