"""Names and one line each of the rules, which do not learn by interaction."""

# Name -> title, what it is.
RULES: dict[str, tuple[str, str]] = {
    "max-util": ("Max-util", "approves when this one decision is expected to earn"),
    "max-util-fitted": (
        "Max-util, fitted",
        "approves when this one decision is expected to earn, by chances estimated once",
    ),
    "equal-opportunity": (
        "Equal opportunity",
        "one threshold per group, chosen anew at every decision so that recall is equal at it",
    ),
    "accuracy-classifier": (
        "Accuracy classifier",
        "approves whom a classifier, fitted to everybody's outcomes, expects to do well",
    ),
    "approve-all": ("Approve all", "approves everybody"),
    "deny-all": ("Deny all", "approves nobody"),
    "reject-all": ("Reject all", "approves nobody"),
}
