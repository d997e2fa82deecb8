"""What MDS 2.0.2 demands of policies and geographies, as JSON Schema.

Written out of the tables of the specification and its OpenAPI description (Open Mobility
Foundation, CC BY 4.0): names, types, what is required, and that a rule and a geography have no
other fields.
"""

UUID = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
UUIDS = {"type": "array", "items": UUID}
STAMP = {"type": "integer", "minimum": 1_514_764_800_000}
STRING = {"type": "string", "maxLength": 255}
TIME = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"}
STATES = [
    "removed", "available", "non_operational", "reserved", "on_trip", "stopped",
    "non_contactable", "elsewhere",
]  # fmt: skip
EVENTS = [
    "comms_lost", "comms_restored", "driver_cancellation", "maintenance", "maintenance_pick_up",
    "maintenance_end", "passenger_cancellation", "provider_cancellation", "reservation_start",
    "reservation_stop", "service_start", "service_end", "trip_start", "trip_stop", "trip_resume",
    "trip_end", "trip_enter_jurisdiction", "trip_leave_jurisdiction",
]  # fmt: skip


def _rule_of(kind, units, recurrences):
    return {
        "required": ["rule_units"],
        "properties": {
            "rule_type": {"const": kind},
            "rule_units": {"enum": units},
            "rate_recurrence": {"enum": recurrences},
        },
    }


RULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "rule_id", "rule_type", "geographies", "states"],
    "properties": {
        "name": STRING,
        "rule_id": UUID,
        "rule_type": {"enum": ["count", "time", "speed", "user"]},
        "geographies": {**UUIDS, "minItems": 1},
        "states": {
            "type": "object",
            "propertyNames": {"enum": STATES},
            "additionalProperties": {
                "type": "array", "uniqueItems": True, "items": {"enum": EVENTS}
            },
        },
        "rule_units": {"type": "string"},
        "vehicle_types": {"type": "array"},
        "propulsion_types": {"type": "array"},
        "minimum": {"type": "integer"},
        "maximum": {"type": "integer"},
        "inclusive_minimum": {"type": "boolean"},
        "inclusive_maximum": {"type": "boolean"},
        "rate_amount": {"type": "integer"},
        "rate_recurrence": {"type": "string"},
        "rate_applies_when": {"enum": ["in_bounds", "out_of_bounds"]},
        "start_time": TIME,
        "end_time": TIME,
        "days": {
            "type": "array",
            "uniqueItems": True,
            "items": {"enum": ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]},
        },
        "messages": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"},
            "additionalProperties": {"type": "string"},
        },
        "value_url": {"type": "string", "format": "uri"},
    },
    "oneOf": [
        _rule_of("count", ["devices"], ["once_on_match", "once_on_unmatch"]),
        _rule_of("speed", ["mph", "kph"], ["once_on_match", "once_on_unmatch"]),
        _rule_of(
            "time", ["seconds", "minutes", "hours", "days"],
            ["each_time_unit", "per_complete_time_unit"],
        ),
        {
            "properties": {
                "rule_type": {"const": "user"},
                "rule_units": False,
                "rate_amount": False,
                "rate_recurrence": False,
                "rate_applies_when": False,
            }
        },
    ],
}  # fmt: skip
POLICY = {
    "type": "object",
    "required": [
        "name", "mode_id", "policy_id", "description", "start_date", "published_date", "rules"
    ],
    "additionalProperties": False,
    "properties": {
        "name": STRING,
        "mode_id": {
            "enum": ["micromobility", "passenger-services", "car-share", "delivery-robots"]
        },
        "policy_id": UUID,
        "provider_ids": UUIDS,
        "description": STRING,
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "start_date": STAMP,
        "end_date": STAMP,
        "published_date": STAMP,
        "prev_policies": UUIDS,
        "rules": {"type": "array", "minItems": 1, "items": RULE},
        # Ours; the specification leaves policies open to other fields.
        "cityplatform": {"type": "object"},
    },
}  # fmt: skip
GEOGRAPHY = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "geography_id", "geography_json", "published_date"],
    "properties": {
        "name": STRING,
        "description": STRING,
        "geography_type": {"type": "string"},
        "geography_id": UUID,
        "geography_json": {
            "type": "object",
            "required": ["type", "features"],
            "properties": {
                "type": {"const": "FeatureCollection"},
                "features": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["type", "properties", "geometry"],
                        "properties": {"type": {"const": "Feature"}},
                    },
                },
            },
        },
        "effective_date": STAMP,
        "published_date": STAMP,
        "retire_date": STAMP,
        "prev_geographies": {**UUIDS, "uniqueItems": True},
    },
}


def _answer(**payload):
    return {
        "type": "object",
        "required": ["version", "last_updated", *payload],
        "properties": {
            "version": {"type": "string", "pattern": r"^2\.\d+\.\d+$"},
            "last_updated": STAMP,
            **payload,
        },
    }


POLICIES = _answer(policies={"type": "array", "items": POLICY})
GEOGRAPHIES = _answer(geographies={"type": "array", "items": GEOGRAPHY})
ONE_GEOGRAPHY = _answer(geography=GEOGRAPHY)
