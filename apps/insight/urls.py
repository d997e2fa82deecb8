from django.urls import path

from apps.insight import views, views_dry_run, views_platform, views_roles

app_name = "insight"
urlpatterns = [
    path("live-map/", views.live_map, name="live-map"),
    path("who-may-do-what/", views_roles.who_may, name="who-may"),
    path("platform/", views_platform.platform, name="platform"),
    path("live-map/data/", views.live_map_data, name="live-map-data"),
    path("dry-runs/of/<int:version_id>/", views_dry_run.dry_runs, name="dry-runs"),
    path("dry-runs/<uuid:ref>/", views_dry_run.dry_run, name="dry-run"),
    path("dry-runs/<uuid:ref>/progress/", views_dry_run.progress, name="dry-run-progress"),
    path("dry-runs/<uuid:ref>/cancel/", views_dry_run.cancel, name="dry-run-cancel"),
    path("dry-runs/<uuid:ref>/districts.csv", views_dry_run.sheet, name="dry-run-districts"),
]
