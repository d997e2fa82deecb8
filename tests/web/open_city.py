"""The city's addresses, with a trade at /rides/ that only says what it was asked."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from cityplatform.urls import urlpatterns as city


def asked(request: HttpRequest) -> HttpResponse:
    return JsonResponse(request.GET.dict())


urlpatterns = [path("rides/", asked), *city]
