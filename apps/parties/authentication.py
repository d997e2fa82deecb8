"""How a program says for whom it acts.  Free of views, because settings load it first."""

from django.http import HttpRequest
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from apps.kernel import clock
from apps.parties import queries
from apps.parties.models import User


def asking(request: Request | HttpRequest) -> User:
    """The person behind a request that only people who are signed in may make."""
    user = request.user
    if not isinstance(user, User):
        raise exceptions.NotAuthenticated
    return user


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer city_…`, a token that its person made and may revoke."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        scheme, _, secret = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        user = queries.user_of_token(secret.strip(), clock.now())
        if user is None:
            raise exceptions.AuthenticationFailed("invalid token")
        return user, None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'
