from django.urls import path

from apps.disputes import views

app_name = "disputes"
urlpatterns = [
    path("disputes/", views.index, name="index"),
    path("disputes/<uuid:ref>/", views.dispute, name="dispute"),
]
