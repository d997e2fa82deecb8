from django.urls import path

from apps.reviews import views

app_name = "reviews"
urlpatterns = [path("orders/<uuid:ref>/review/", views.write, name="write")]
