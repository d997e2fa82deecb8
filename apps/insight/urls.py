from django.urls import path

from apps.insight import views, views_platform

app_name = "insight"
urlpatterns = [
    path("live-map/", views.live_map, name="live-map"),
    path("platform/", views_platform.platform, name="platform"),
    path("live-map/data/", views.live_map_data, name="live-map-data"),
]
