from django.urls import path

from apps.insight import views_city

app_name = "city"
urlpatterns = [
    path("city/", views_city.city, name="now"),
    path("city/live/", views_city.live, name="live"),
    path("city/hours.csv", views_city.hours, name="hours"),
    path("city/districts.csv", views_city.districts, name="districts"),
]
