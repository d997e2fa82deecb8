"""One function writes an event and whom it is for, for Django and for functions of the database."""

from django.db import migrations

PUBLISH = """
CREATE FUNCTION bus_publish(
    its_topic text, its_body jsonb, its_author text, its_time timestamptz, its_source text,
    subscribers text[]
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    its_id bigint;
BEGIN
    INSERT INTO bus_event (topic, body, by, happened_at, source)
    VALUES (its_topic, its_body, its_author, its_time, its_source)
    RETURNING id INTO its_id;
    INSERT INTO bus_delivery (event_id, subscriber, due_at, failures, error)
    SELECT its_id, name, its_time, 0, '' FROM unnest(subscribers) AS name;
    RETURN its_id;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("bus", "0001_initial")]

    operations = [migrations.RunSQL(PUBLISH, "DROP FUNCTION bus_publish;")]
