from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Files named after their content, so that browsers keep them for good.

    Modules import one another by those names too: one that a page loads and another imports
    would otherwise be loaded twice, each with a state of its own.
    """

    support_js_module_import_aggregation = True
