from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.kernel.asked import Asked
from apps.parties.authentication import asking
from apps.parties.models import User


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "apps.parties.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": str(_("A token of yours."))}


class Person(Asked, serializers.ModelSerializer[User]):
    """The person who asks."""

    class Meta:
        model = User
        fields = ("email", "name", "phone", "language")
        read_only_fields = ("email",)


@extend_schema(tags=["me"])
class Me(APIView):
    @extend_schema(summary="Show who you are", responses=Person)
    def get(self, request: Request) -> Response:
        return Response(Person(asking(request)).data)

    @extend_schema(summary="Change your name, phone or language", request=Person, responses=Person)
    def patch(self, request: Request) -> Response:
        changed = Person(asking(request), data=request.data, partial=True)
        changed.is_valid(raise_exception=True)
        changed.save()
        return Response(changed.data)
