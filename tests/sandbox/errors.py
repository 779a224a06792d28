# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors in the service's words: every one has a status, an id, an exception type and a text in two languages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

TASKS = "Microsoft.Exchange.Configuration.Tasks."
MANAGEMENT = "Microsoft.Exchange.Management.Tasks."
INVOCATION = "Microsoft.Exchange.AdminApi.CommandInvocation."
ODATA = "Microsoft.Exchange.Admin.OData.Core.ODataServiceException"
CODES = {400: "BadRequest", 404: "NotFound", 409: "Conflict", 500: "InternalServerError", 503: "ServiceUnavailable"}


@dataclass(frozen=True)
class Kind:
    """One kind of error: HTTP status, id (None: derived from the type), exception type, English and German text."""

    status: int
    id: str | None
    type: str
    english: str
    german: str


KINDS: dict[str, Kind] = {
    "not_found": Kind(
        404,
        "Ex6F9304",
        TASKS + "ManagementObjectNotFoundException",
        "The operation couldn't be performed because object '{identity}' couldn't be found on '{server}'.",
        "Der Vorgang konnte nicht ausgeführt werden, weil das Objekt '{identity}' auf '{server}' nicht gefunden wurde.",
    ),
    "no_mailbox": Kind(
        404,
        "Ex41BAF5",
        TASKS + "ManagementObjectNotFoundException",
        "The specified mailbox doesn't exist.",
        "Das angegebene Postfach ist nicht vorhanden.",
    ),
    "ambiguous": Kind(
        400,
        "Ex9E65A2",
        TASKS + "ManagementObjectAmbiguousException",
        "The operation couldn't be performed because object: '{identity}' matches multiple entries.",
        "Der Vorgang konnte nicht ausgeführt werden, weil für das Objekt '{identity}' mehrere Einträge vorhanden sind.",
    ),
    "exists": Kind(
        400,
        None,
        "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
        "The object '{identity}' already exists.",
        "Das Objekt '{identity}' ist bereits vorhanden.",
    ),
    "address_used": Kind(
        400,
        None,
        "Microsoft.Exchange.Data.Directory.ProxyAddressExistsException",
        'The proxy address "SMTP:{address}" is already being used by the proxy addresses or LegacyExchangeDN. '
        "Please choose another proxy address.",
        'Die Proxyadresse "SMTP:{address}" wird bereits verwendet. Wählen Sie eine andere Proxyadresse.',
    ),
    "unknown_parameter": Kind(
        400,
        None,
        INVOCATION + "AmbiguousParameterSetException",
        "Parameter set cannot be resolved. Invalid cmdlet parameters specified. {parameter}",
        "Der Parametersatz kann nicht aufgelöst werden. Ungültige Cmdlet-Parameter angegeben. {parameter}",
    ),
    "missing_parameter": Kind(
        400,
        None,
        INVOCATION + "AmbiguousParameterSetException",
        "Cannot process command because of one or more missing mandatory parameters: {parameter}.",
        "Der Befehl kann nicht verarbeitet werden, da mindestens ein obligatorischer Parameter fehlt: {parameter}.",
    ),
    "parameter_set": Kind(
        400,
        None,
        INVOCATION + "AmbiguousParameterSetException",
        "Parameter set cannot be resolved using the specified named parameters. Multiple parameter sets are applicable.",
        "Der Parametersatz kann mit den angegebenen Parametern nicht aufgelöst werden. Mehrere Parametersätze passen.",
    ),
    "transformation": Kind(
        400,
        None,
        INVOCATION + "ParameterTransformationException",
        "Cannot process argument transformation on parameter '{parameter}'. {reason}",
        "Die Argumenttransformation für den Parameter '{parameter}' kann nicht verarbeitet werden. {reason}",
    ),
    "invalid": Kind(400, "", MANAGEMENT + "ValidationException", "{reason}", "Ungültiger Wert: {reason}"),
    "refused": Kind(400, None, TASKS + "TaskInvalidOperationException", "{reason}", "Der Vorgang ist ungültig: {reason}"),
    "member_exists": Kind(
        400,
        None,
        MANAGEMENT + "MemberAlreadyExistsException",
        'The recipient "{member}" is already a member of the group "{group}".',
        'Der Empfänger "{member}" ist bereits Mitglied der Gruppe "{group}".',
    ),
    "member_missing": Kind(
        400,
        None,
        MANAGEMENT + "MemberNotFoundException",
        'The recipient "{member}" isn\'t a member of the group "{group}".',
        'Der Empfänger "{member}" ist kein Mitglied der Gruppe "{group}".',
    ),
    "not_manager": Kind(
        400,
        None,
        TASKS + "OperationRequiresGroupManagerException",
        "You don't have sufficient permissions. This operation can only be performed by a manager of the group.",
        "Sie verfügen nicht über ausreichende Berechtigungen. Nur ein Manager der Gruppe kann das.",
    ),
    "dir_synced": Kind(
        400,
        None,
        "Microsoft.Exchange.Configuration.DualWrite.LocStrings.UnableToWriteToAadException",
        "The operation on '{identity}' failed because the object is being synchronized from your on-premises organization. "
        "The issue may be transient and please retry a couple of minutes later.",
        "Der Vorgang für '{identity}' ist fehlgeschlagen, weil das Objekt aus der lokalen Organisation synchronisiert wird.",
    ),
    "dehydrated": Kind(
        400,
        None,
        TASKS + "InvalidOperationInDehydratedContextException",
        "The command you tried to run isn't currently allowed in your organization. To run this command, you first need to "
        "run the command: Enable-OrganizationCustomization.",
        "Der Befehl ist in Ihrer Organisation derzeit nicht zulässig. Führen Sie zuerst Enable-OrganizationCustomization aus.",
    ),
    "already_customized": Kind(
        400,
        None,
        TASKS + "OrganizationAlreadyHydratedException",
        "This operation is not required. Organization is already enabled for customization.",
        "Dieser Vorgang ist nicht erforderlich. Die Organisation ist bereits angepasst.",
    ),
    "stale_page": Kind(
        400,
        "",
        ODATA,
        "Expired or Invalid pagination request. Default Expiry time is 00:30:00",
        "Abgelaufene oder ungültige Seitenanforderung. Die Standardablaufzeit ist 00:30:00",
    ),
    "bad_request": Kind(400, "", ODATA, "{reason}", "{reason}"),
    "server_side": Kind(
        500,
        None,
        "Microsoft.Exchange.Configuration.Tasks.UnexpectedServerException",
        "A server side error has occurred because of which the operation could not be completed. Please try again after "
        "some time. If the problem still persists, please reach out to MS support.",
        "Ein serverseitiger Fehler ist aufgetreten. Versuchen Sie es später erneut.",
    ),
    "write_to_directory": Kind(
        500,
        None,
        "Microsoft.Exchange.Configuration.DualWrite.LocStrings.UnableToWriteToAadException",
        "An Azure Active Directory call was made to keep object in sync between Azure Active Directory and Exchange "
        "Online. However, it failed. The issue may be transient and please retry a couple of minutes later.",
        "Ein Aufruf von Azure Active Directory ist fehlgeschlagen. Versuchen Sie es in einigen Minuten erneut.",
    ),
}


class ServiceError(Exception):
    """A refusal by a cmdlet. ``kind`` is a key of ``KINDS``; ``status`` and ``type_name`` may be replaced per call."""

    def __init__(self, kind: str, *, status: int | None = None, type_name: str | None = None, **arguments: Any) -> None:
        """Keep the kind and what fills its text."""
        row = KINDS[kind]
        self.kind = kind
        self.status = status or row.status
        self.type = type_name or row.type
        self.arguments = {"server": "BY1PR09A06DC005.NAMPR09A006.PROD.OUTLOOK.COM", **arguments}
        self.id = row.id if row.id is not None else derived_id(self.type, row.english)
        super().__init__(self.text("en"))

    def text(self, culture: str) -> str:
        """Return the message in the caller's language ("en" or "de")."""
        row = KINDS[self.kind]
        return (row.german if culture == "de" else row.english).format_map(self.arguments)


def derived_id(type_name: str, text: str) -> str:
    """Make an id that is stable for an error type and its text."""
    return "Ex" + hashlib.sha256(f"{type_name}|{text}".encode()).hexdigest()[:6].upper()


def body(error: ServiceError, *, culture: str = "en", form: str = "full") -> dict[str, Any]:
    """Build the JSON body. ``form``: full (id, type, text), idless (the id left empty), bare (``||`` and the text)."""
    text = error.text(culture)
    type_name = "" if form == "bare" else error.type
    identifier = "" if form in ("idless", "bare") else error.id
    found = error.status == 404
    message = "Error executing cmdlet" if found else "Invalid Operation"
    return {
        "error": {
            "code": CODES.get(error.status, "BadRequest"),
            "message": message,
            "details": [{"code": "Context" if found else "Client", "target": "", "message": f"{identifier}|{type_name}|{text}"}],
            "innererror": {
                "message": message,
                "type": ODATA,
                "stacktrace": "",
                "internalexception": {"message": text, "type": type_name, "stacktrace": ""},
                "adminapi.warnings@odata.type": "#Collection(String)",
                "@adminapi.warnings": [],
            },
        }
    }
