from django.contrib import admin
from django.urls import include, path

from cityplatform import health, metrics

handler400 = "cityplatform.outages.unreadable"
handler404 = "cityplatform.outages.nothing"
handler500 = "cityplatform.outages.sorry"

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("admin/", include("apps.insight.urls")),
    path("admin/", include("apps.inspection.urls")),
    path("admin/", include("apps.treasury.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("apps.api.urls")),
    path("mds/", include("apps.mobility.mds_urls")),
    path("mds/", include("apps.insight.mds_urls")),
    path("places/", include("apps.places.urls")),
    path("me/places/", include("apps.places.favourite_urls")),
    path("", include("apps.mobility.urls")),
    path("", include("apps.mobility.driver_urls")),
    path("", include("apps.mobility.join_urls")),
    path("", include("apps.regulation.urls")),
    path("", include("apps.orders.urls")),
    path("", include("apps.payments.urls")),
    path("", include("apps.notifications.urls")),
    path("", include("apps.reviews.urls")),
    path("", include("apps.settlement.urls")),
    path("", include("apps.disputes.urls")),
    path("", include("apps.insight.city_urls")),
    path("", include("apps.treasury.city_urls")),
    path("", include("apps.audit.urls")),
    path("me/tokens/", include("apps.parties.urls")),
    path("", include("apps.web.urls")),
]
