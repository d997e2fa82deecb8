"""Addresses below /api/v1/."""

from django.urls import path

from apps.regulation import api_appeals, api_cases, api_permits, api_rules

urlpatterns = [
    path("rules", api_rules.Rules.as_view(), name="rules"),
    path("permits", api_permits.Permits.as_view(), name="api-permits"),
    path("permits/applications", api_permits.Applications.as_view(), name="api-applications"),
    path(
        "cases/<uuid:ref>/application",
        api_permits.OneApplication.as_view(),
        name="api-application",
    ),
    path("decisions/<uuid:ref>/appeal", api_appeals.Appeal.as_view(), name="api-appeal"),
    path("cases", api_cases.Cases.as_view(), name="api-cases"),
    path("cases/<uuid:ref>", api_cases.OneCase.as_view(), name="api-case"),
    path("cases/<uuid:ref>/statements", api_cases.Statements.as_view(), name="api-case-statements"),
]
