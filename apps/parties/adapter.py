"""How an account comes into being: allauth asks, the city welcomes."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import get_language

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties import operations
from apps.parties.models import User


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
