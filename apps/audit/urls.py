from django.urls import path

from apps.audit import views

app_name = "audit"
urlpatterns = [
    path("evidence/", views.evidence, name="evidence"),
    path("me/looks/", views.looks, name="looks"),
    path("office/why/", views.state_why, name="state-why"),
]
