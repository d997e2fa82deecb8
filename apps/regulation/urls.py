from django.urls import path

from apps.regulation import (
    views,
    views_appeals,
    views_cases,
    views_permits,
    views_rules,
)

app_name = "regulation"
urlpatterns = [
    path("papers/<uuid:ref>/scan/", views.scan, name="scan"),
    path("cases/", views_cases.cases, name="cases"),
    path("cases/<uuid:ref>/", views_cases.case, name="case"),
    path("cases/<uuid:ref>/withdraw/", views_cases.withdraw, name="withdraw-case"),
    path("cases/<uuid:ref>/files/<uuid:event>/", views_cases.file, name="case-file"),
    path("appeal/<uuid:ref>/", views_appeals.appeal, name="appeal"),
    path("cases/<uuid:ref>/appeal/", views_appeals.appeal_case, name="appeal-case"),
    path("cases/<uuid:ref>/documents/<slug:kind>/send/", views_permits.document, name="document"),
    path(
        "cases/<uuid:ref>/documents/<uuid:document>/",
        views_permits.file,
        name="document-file",
    ),
    path("permits/<int:permit>/appeal/", views_appeals.appeal_permit, name="appeal-permit"),
    path("permits/", views_permits.permits, name="permits"),
    path("permits/apply/<slug:vertical>/", views_permits.apply, name="apply"),
    path("complain/", views_cases.complain, name="complain"),
    path("rules/", views_rules.rules, name="rules"),
    path("rules/<slug:number>/", views_rules.rule, name="rule"),
]
