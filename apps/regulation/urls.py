from django.urls import path

from apps.regulation import views, views_appeals, views_cases, views_rules

app_name = "regulation"
urlpatterns = [
    path("papers/<uuid:ref>/scan/", views.scan, name="scan"),
    path("rules/", views_rules.rules, name="rules"),
    path("rules/<slug:number>/", views_rules.rule, name="rule"),
    path("cases/", views_cases.cases, name="cases"),
    path("cases/<uuid:ref>/", views_cases.case, name="case"),
    path("cases/<uuid:ref>/withdraw/", views_cases.withdraw, name="withdraw-case"),
    path("cases/<uuid:ref>/files/<uuid:event>/", views_cases.file, name="case-file"),
    path("appeal/<uuid:ref>/", views_appeals.appeal, name="appeal"),
    path("complain/", views_cases.complain, name="complain"),
]
