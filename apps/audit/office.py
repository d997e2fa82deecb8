"""What officers see of logs that are sealed, and what they leave behind by looking."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from apps.audit import queries


class Proven:
    """A page of the office about one row of a sealed log, with the proof of it to download."""

    # The name of the log.
    stream = ""
    actions_detail = ("proof",)

    @action(description=_("Download the proof"), permissions=["view"], url_path="proof")
    def proof(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The row, its way to the root, and the signed root, for `manage.py verify_evidence`."""
        try:
            told = queries.proof(self.stream, int(object_id))
        except queries.NotYetSealed:
            messages.warning(request, _("This is not sealed yet. Ask again in a minute or two."))
        except queries.NoSuchRow:
            messages.error(request, _("This row is not what was sealed. Verify the log."))
        else:
            file = f'attachment; filename="proof-{self.stream}-{object_id}.json"'
            return JsonResponse(told, headers={"Content-Disposition": file})
        opts = self.opts  # type: ignore[attr-defined]
        page = f"admin:{opts.app_label}_{opts.model_name}_change"
        return HttpResponseRedirect(reverse(page, args=[object_id]))
