from django.urls import path

from apps.insight import views

app_name = "insight"
urlpatterns = [
    path("live-map/", views.live_map, name="live-map"),
    path("live-map/data/", views.live_map_data, name="live-map-data"),
]
