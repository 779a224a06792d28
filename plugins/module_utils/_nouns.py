# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The rules of single nouns that a table cannot say: what forbids a change, what must follow one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._session import NOW, Cmdlet, Reply, Row
from ._tables.transport_rule import ACTIONS, CONDITIONS
from ._targets import items_of
from ._validation import failures, shown
from ._values import as_list, bool_key, fold, group_type_key, is_empty


def check_rule(_wanted: Mapping[str, Any], before: Row | None, after: Row | None) -> list[str]:
    """No change may end in an enabled rule that routes mail without a condition: all mail would go there. A new rule does something."""
    if after is None:
        return []
    found = []
    if before is None and not _shown(after, ACTIONS):
        found.append("there is no such rule, and a new one needs an action such as set_scl: give one, or correct the name.")
    if _routes_all(after) and not (before is not None and _routes_all(before)):
        found.append(
            "this would be an enabled rule that routes messages to a connector without a condition, and all mail would go there."
            " Give a condition such as recipient_domain_is or sent_to_scope, or disable the rule (enabled: false)."
        )
    return found


def _routes_all(row: Row) -> bool:
    routes = not is_empty(row.get("RouteMessageOutboundConnector"))
    return routes and fold(row.get("State")) != "disabled" and not _shown(row, CONDITIONS)


def _shown(row: Row, names: Sequence[str]) -> list[str]:
    return [name for name in names if not is_empty(row.get(name)) and row.get(name) is not False]


def check_outbound(_wanted: Mapping[str, Any], _before: Row | None, after: Row | None) -> list[str]:
    """A connector to a partner cannot take all accepted domains."""
    if after is None or not bool_key(after.get("AllAcceptedDomains")) or fold(after.get("ConnectorType")) == "onpremises":
        return []
    return ["all_accepted_domains needs connector_type: OnPremises; give that, or set all_accepted_domains: false."]


def unvalidated(_sent: Mapping[str, Any], row: Row, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A change takes the mark of the former validation away: should the new one fail, no later run may take the old one for it."""
    return {"IsValidated": False} if row.get("IsValidated") is True and _validates(wanted) else {}


def _validates(wanted: Mapping[str, Any]) -> bool:
    by_hand = wanted.get("is_validated") is not None or wanted.get("last_validation_timestamp") is not None
    return bool(as_list(wanted.get("validation_recipients"))) and not by_hand


def validation(changed: bool, row: Row, wanted: Mapping[str, Any]) -> tuple[Cmdlet, ...]:
    """Validates a connector that was made or changed or is not validated, and notes it, because the service does not."""
    recipients = as_list(wanted.get("validation_recipients"))
    if not _validates(wanted) or (row.get("IsValidated") is True and not changed):
        return ()
    identity = row.get("Identity") or row.get("Name")
    note = {"Identity": identity, "IsValidated": True, "LastValidationTimestamp": NOW}
    return (
        Cmdlet("Validate-OutboundConnector", {"Identity": identity, "Recipients": recipients}),
        Cmdlet("Set-OutboundConnector", note),
    )


def judge_validation(call: Cmdlet, reply: Reply) -> tuple[str, str]:
    """What a validation's answer says failed, with the remedy, and what is to be doubted of it; both empty when it shows that it passed."""
    if call.verb != "Validate":
        return "", ""
    found = failures(reply.rows)
    if not found:
        doubt = "its answer says neither that it passed nor that it failed, so it counts as passed: prove the way out by a probe (U25)."
        return "", "" if shown(reply.rows) else doubt
    fault = (
        f"the validation failed: {'; '.join(found)}. The connector stands as it was written and does not count as validated; a rule that"
        " routes to it does so all the same. Let the smart hosts accept connections on port 25 from the service and mail to the validation"
        " recipients, or name the former hosts, then run again."
    )
    return fault, ""


def check_inbound(wanted: Mapping[str, Any], before: Row | None, after: Row | None) -> list[str]:
    """What the service refuses for connectors from outside."""
    if after is None:
        return []
    found = []
    on_premises = fold(after.get("ConnectorType")) == "onpremises"
    if bool_key(after.get("TreatMessagesAsInternal")) and not on_premises:
        found.append("treat_messages_as_internal needs connector_type: OnPremises.")
    if bool_key(after.get("TreatMessagesAsInternal")) and bool_key(after.get("CloudServicesMailEnabled")):
        found.append("treat_messages_as_internal and cloud_services_mail_enabled exclude each other: set one of them to false.")
    if not is_empty(wanted.get("trusted_organizations")):
        others = sorted(set(wanted) - {"trusted_organizations"})
        if before is None:
            found.append(
                "trusted_organizations cannot be given when the connector is created: create it first, then set it in a task of its own."
            )
        elif others:
            found.append(f"trusted_organizations excludes every other option: set {', '.join(others)} in another task.")
    return found


def given_members(wanted: Mapping[str, Any]) -> list[str]:
    """Who is a member of a new group: those that are named, and the owners where they shall be."""
    owners = wanted.get("managed_by") if wanted.get("copy_owner_to_member") else None
    return [str(name) for name in (*as_list(wanted.get("members")), *items_of(owners))]


def check_group(wanted: Mapping[str, Any], before: Row | None, after: Row | None) -> list[str]:
    """What the service refuses for groups."""
    if before is not None and bool_key(before.get("IsDirSynced")):
        return ["it is synchronised from an on-premises directory (IsDirSynced) and the service takes no changes: change it there."]
    if after is None:
        return []
    found = []
    if group_type_key(after.get("GroupType")) == "security" and fold(wanted.get("member_depart_restriction")) == "open":
        found.append("member_depart_restriction Open is refused for security groups: use Closed.")
    if wanted.get("managed_by") is not None and is_empty(after.get("ManagedBy")):
        found.append("a group must have an owner: managed_by cannot become empty.")
    if wanted.get("email_addresses") is not None:
        primary = [item for item in as_list(after.get("EmailAddresses")) if str(item).startswith("SMTP:")]
        if len(primary) != 1:
            found.append(
                f"email_addresses would hold {len(primary)} primary addresses: write exactly one as SMTP:address, the others as"
                " smtp:address. To remove the primary one, add another as SMTP:address in the same task."
            )
    return found
