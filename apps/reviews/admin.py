from django.contrib import admin

from apps.kernel.office import Facts
from apps.reviews.models import Review


@admin.register(Review)
class ReviewAdmin(Facts):
    """Officers read what was said; nobody edits it."""

    list_display = ("order", "side", "stars", "author", "about", "written_at", "shown_at")
    list_filter = ("side", "stars")
