from django.urls import path

from apps.insight import views, views_platform, views_roles

app_name = "insight"
urlpatterns = [
    path("live-map/", views.live_map, name="live-map"),
    path("who-may-do-what/", views_roles.who_may, name="who-may"),
    path("platform/", views_platform.platform, name="platform"),
    path("live-map/data/", views.live_map_data, name="live-map-data"),
]
