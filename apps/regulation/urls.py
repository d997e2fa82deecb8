from django.urls import path

from apps.regulation import views

app_name = "regulation"
urlpatterns = [path("papers/<uuid:ref>/scan/", views.scan, name="scan")]
