import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.operations
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        # The search finds names in spite of slips of the finger by their trigrams.
        django.contrib.postgres.operations.TrigramExtension(),
        migrations.CreateModel(
            name="City",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(unique=True, verbose_name="slug")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("timezone", models.CharField(max_length=50, verbose_name="time zone")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("locale", models.CharField(max_length=20, verbose_name="language and country")),
                ("boundary", models.JSONField(verbose_name="edge, a GeoJSON MultiPolygon")),
                ("centre_lat", models.FloatField(verbose_name="latitude of the centre")),
                ("centre_lon", models.FloatField(verbose_name="longitude of the centre")),
                (
                    "streets_version",
                    models.CharField(
                        blank=True, max_length=64, verbose_name="version of the streets"
                    ),
                ),
                (
                    "tiles_version",
                    models.CharField(blank=True, max_length=64, verbose_name="version of the map"),
                ),
                (
                    "loaded_from",
                    models.CharField(
                        blank=True,
                        max_length=64,
                        verbose_name="digest of what it was loaded from",
                    ),
                ),
                (
                    "is_demo",
                    models.BooleanField(default=False, verbose_name="only for a demonstration"),
                ),
            ],
            options={
                "verbose_name": "city",
                "verbose_name_plural": "cities",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("centre_lat__gte", -90),
                            ("centre_lat__lte", 90),
                            ("centre_lon__gte", -180),
                            ("centre_lon__lte", 180),
                        ),
                        name="places_city_centre_on_earth",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("currency__regex", "^[A-Z]{3}$")),
                        name="places_city_currency_is_iso",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Place",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("STREET", "street"),
                            ("CROSSING", "crossing"),
                            ("LANDMARK", "landmark"),
                        ],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                (
                    "detail",
                    models.CharField(
                        blank=True, max_length=200, verbose_name="which one, if there are several"
                    ),
                ),
                (
                    "search",
                    models.CharField(max_length=200, verbose_name="the name as it is searched"),
                ),
                ("lat", models.FloatField(verbose_name="latitude")),
                ("lon", models.FloatField(verbose_name="longitude")),
                ("weight", models.FloatField(default=0, verbose_name="how much it counts, 0 to 1")),
                (
                    "city",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="places",
                        to="places.city",
                    ),
                ),
            ],
            options={
                "verbose_name": "place",
                "verbose_name_plural": "places",
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fastupdate=False,
                        fields=["search"],
                        name="places_place_search",
                        opclasses=["gin_trgm_ops"],
                    ),
                    models.Index(fields=["city", "lat", "lon"], name="places_place_where"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("lat__gte", -90),
                            ("lat__lte", 90),
                            ("lon__gte", -180),
                            ("lon__lte", 180),
                        ),
                        name="places_place_on_earth",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Zone",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(verbose_name="slug")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("DISTRICT", "district"),
                            ("FEE", "fee area"),
                            ("NO_PICKUP", "no pick-up"),
                            ("PICKUP_POINT", "pick-up point"),
                        ],
                        default="DISTRICT",
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("boundary", models.JSONField(verbose_name="edge, a GeoJSON MultiPolygon")),
                (
                    "cells",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), verbose_name="H3 cells of resolution 9"
                    ),
                ),
                (
                    "city",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="zones",
                        to="places.city",
                    ),
                ),
            ],
            options={
                "verbose_name": "zone",
                "verbose_name_plural": "zones",
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["cells"], name="places_zone_cells"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("city", "slug"), name="places_zone_once_per_city"
                    )
                ],
            },
        ),
    ]
