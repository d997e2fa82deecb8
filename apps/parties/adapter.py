"""How an account comes into being: allauth asks, the city welcomes."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import get_language

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties import operations
from apps.parties.models import User

YEAR = 365 * 24 * 3600


class AccountAdapter(DefaultAccountAdapter):
    """Whoever makes an account can order from then on, in the language they read."""

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        user.name = (form.cleaned_data.get("name") or "").strip()
        language = (get_language() or "").split("-")[0]
        user.language = language if language in dict(settings.LANGUAGES) else "en"
        with transaction.atomic():
            super().save_user(request, user, form, commit=commit)
            if commit:
                by = user.acting(Kind.CONSUMER)
                operations.sign_up(user_id=user.pk, by=by, at=clock.now())
        return user

    def post_login(self, request: HttpRequest, user: User, **rest: Any) -> HttpResponse:
        """Speak to whoever signs in as they chose, on whatever phone they are."""
        response: HttpResponse = super().post_login(request, user, **rest)
        if not rest.get("signup"):
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                user.language,
                max_age=YEAR,
                samesite="Lax",
                secure=request.is_secure(),
            )
        return response

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write to a person in their own language, whoever's browser asked for it."""
        user = context.get("user") or User.objects.filter(email__iexact=email).first()
        language = getattr(user, "language", None) or get_language() or "en"
        with translation.override(language):
            super().send_mail(template_prefix, email, context)
