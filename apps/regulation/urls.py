from django.urls import path

from apps.regulation import views, views_rules

app_name = "regulation"
urlpatterns = [
    path("papers/<uuid:ref>/scan/", views.scan, name="scan"),
    path("rules/", views_rules.rules, name="rules"),
    path("rules/<slug:number>/", views_rules.rule, name="rule"),
]
