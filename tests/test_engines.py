import psycopg
import pytest
from django.db import connection


@pytest.mark.django_db
def test_the_database_is_migrated_and_answers():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        assert cursor.fetchone() == ("city_owner", "test_city")


def test_the_application_cannot_make_or_empty_tables(as_the_application):
    for statement in ("CREATE TABLE mine (id int)", "TRUNCATE django_session"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_the_application.execute(statement)
        as_the_application.rollback()
    assert as_the_application.execute("SELECT count(*) FROM django_session").fetchone() == (0,)
