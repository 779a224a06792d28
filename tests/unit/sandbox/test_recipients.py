# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups, members and the other recipients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .conftest import HASHTABLE

if TYPE_CHECKING:
    from .conftest import Client

# The generator's order of kinds: see people.py.
PILOT, STUB, NOOBJ, MAILUSER, MOVED, GUEST, ROOM, TEAM365, FOLDER, DYNAMIC, NESTED = (
    f"user{number:04d}" for number in (1, 2, 3, 4, 5, 8, 9, 11, 12, 15, 16)
)


@pytest.fixture
def group(tenant: Client) -> dict[str, Any]:
    """The method's group."""
    return tenant.row("New-DistributionGroup", Name="Migrated Users", PrimarySmtpAddress="Migrated@example.com", ManagedBy=[PILOT])


def members(tenant: Client) -> list[str]:
    """The primary addresses of the group's members, sorted."""
    return sorted(row["PrimarySmtpAddress"] for row in tenant.rows("Get-DistributionGroupMember", Identity="migrated@EXAMPLE.com"))


def test_new_group(tenant: Client, group: dict[str, Any]) -> None:
    """Defaults and forms of a new group."""
    owner = tenant.row("Get-Recipient", Identity=PILOT)["ExternalDirectoryObjectId"]
    assert (group["Alias"], group["DisplayName"], group["PrimarySmtpAddress"]) == (
        "MigratedUsers",
        "Migrated Users",
        "Migrated@example.com",
    )
    assert (group["ManagedBy"], group["EmailAddresses"]) == ([owner], ["SMTP:Migrated@example.com"])
    assert (group["GroupType"], group["RecipientTypeDetails"]) == ("Universal", "MailUniversalDistributionGroup")
    assert (group["MemberDepartRestriction"], group["RequireSenderAuthenticationEnabled"]) == ("Open", True)
    assert not {"Type", "Members", "Notes"} & set(group)
    for identity in (
        "migratedusers",
        group["Guid"],
        group["ExternalDirectoryObjectId"],
        group["DistinguishedName"],
        "MIGRATED@example.com",
    ):
        assert tenant.row("Get-DistributionGroup", Identity=identity)["Guid"] == group["Guid"]


def test_security_group(tenant: Client) -> None:
    """A security group is closed; RoomList and suffixes."""
    row = tenant.row("New-DistributionGroup", Name="sec", Type="Security")
    assert (row["GroupType"], row["MemberDepartRestriction"]) == ("Universal, SecurityEnabled", "Closed")
    assert row["ManagedBy"] == ["Organization Management"]
    assert "Open" in tenant.refused("Set-DistributionGroup", Identity="sec", MemberDepartRestriction="Open")
    assert tenant.row("New-DistributionGroup", Name="rooms", RoomList=True)["RecipientTypeDetails"] == "RoomList"
    tenant.sandbox.parameters(group_suffix="_X20240913183055")
    row = tenant.row("New-DistributionGroup", Name="team")
    assert (row["Name"], row["DisplayName"]) == ("team_X20240913183055", "team")


@pytest.mark.usefixtures("group")
def test_display_names(tenant: Client) -> None:
    """Readable owners come only with the switch, under a singular name."""
    plain = tenant.row("Get-DistributionGroup", Identity="Migrated Users")
    assert plain["ManagedByWithDisplayName"] == []
    shown = tenant.row("Get-DistributionGroup", Identity="Migrated Users", IncludeManagedByWithDisplayNames=True)
    (entry,) = shown["ManagedByWithDisplayName"]
    assert entry.startswith(f"({PILOT}@example.com,")
    assert shown["ManagedBy"] == plain["ManagedBy"]
    tenant.sandbox.parameters(managed_by_form="name")
    assert tenant.row("Get-DistributionGroup", Identity="Migrated Users")["ManagedBy"] == [PILOT]


@pytest.mark.usefixtures("group")
def test_description(tenant: Client) -> None:
    """A description is a list, keeps its line ends, and is cut at the tenant's limit."""
    text = "mark\r\n" + "x" * 1500
    tenant.rows("Set-DistributionGroup", Identity="Migrated Users", Description=text)
    assert tenant.row("Get-DistributionGroup", Identity="Migrated Users")["Description"] == [text[:1024]]
    tenant.sandbox.parameters(description_limit=2000)
    tenant.rows("Set-DistributionGroup", Identity="Migrated Users", Description=[text])
    assert tenant.row("Get-DistributionGroup", Identity="Migrated Users")["Description"] == [text]


@pytest.mark.usefixtures("group")
def test_owners(tenant: Client) -> None:
    """A group has one to ten owners."""
    assert "at least one owner" in tenant.refused("Set-DistributionGroup", Identity="Migrated Users", ManagedBy=[])
    mailboxes = [row["Guid"] for row in tenant.rows("Get-Mailbox")]
    assert "at most 10" in tenant.refused("Set-DistributionGroup", Identity="Migrated Users", ManagedBy=mailboxes[:11])
    tenant.rows("Set-DistributionGroup", Identity="Migrated Users", ManagedBy={"@odata.type": HASHTABLE, "Add": [STUB], "Remove": [PILOT]})
    assert tenant.row("Get-DistributionGroup", Identity="Migrated Users")["ManagedBy"] == [
        tenant.row("Get-Mailbox", Identity=STUB)["ExternalDirectoryObjectId"]
    ]


@pytest.mark.usefixtures("group")
def test_senders(tenant: Client) -> None:
    """Lists of senders stay in step, and cannot be given both ways."""
    tenant.rows("Set-DistributionGroup", Identity="Migrated Users", AcceptMessagesOnlyFromSendersOrMembers=[STUB, NESTED])
    row = tenant.row("Get-DistributionGroup", Identity="Migrated Users", IncludeAcceptMessagesOnlyFromSendersOrMembersWithDisplayNames=True)
    assert (len(row["AcceptMessagesOnlyFrom"]), len(row["AcceptMessagesOnlyFromDLMembers"])) == (1, 1)
    assert len(row["AcceptMessagesOnlyFromSendersOrMembersWithDisplayNames"]) == 2
    tenant.rows("Set-DistributionGroup", Identity="Migrated Users", AcceptMessagesOnlyFrom=[])
    assert len(tenant.row("Get-DistributionGroup", Identity="Migrated Users")["AcceptMessagesOnlyFromSendersOrMembers"]) == 1
    assert "can't be used together" in tenant.refused(
        "Set-DistributionGroup", Identity="Migrated Users", AcceptMessagesOnlyFrom=[STUB], AcceptMessagesOnlyFromSendersOrMembers=[STUB]
    )


def test_addresses(tenant: Client, group: dict[str, Any]) -> None:
    """A new primary address keeps the old one; edits; one primary; foreign domains and used addresses are refused."""

    def addresses(**change: Any) -> list[str]:
        tenant.rows("Set-DistributionGroup", Identity=group["Guid"], **change)
        row = tenant.row("Get-DistributionGroup", Identity=group["Guid"])
        assert f"SMTP:{row['PrimarySmtpAddress']}" in row["EmailAddresses"]
        return sorted(row["EmailAddresses"])

    assert addresses(PrimarySmtpAddress="new@example.com") == ["SMTP:new@example.com", "smtp:Migrated@example.com"]
    assert addresses(EmailAddresses={"@odata.type": HASHTABLE, "Add": ["third@example.com"], "Remove": ["smtp:migrated@example.com"]}) == [
        "SMTP:new@example.com",
        "smtp:third@example.com",
    ]
    assert addresses(EmailAddresses=["a@example.com", "X500:/o=x"]) == ["SMTP:a@example.com", "X500:/o=x"]
    assert addresses(EmailAddresses={"@odata.type": HASHTABLE, "Add": ["SMTP:b@example.com"]}) == [
        "SMTP:b@example.com",
        "X500:/o=x",
        "smtp:a@example.com",
    ]
    identity = {"Identity": group["Guid"]}
    assert "accepted domain" in tenant.refused("Set-DistributionGroup", **identity, PrimarySmtpAddress="x@foreign.example")
    assert "already being used" in tenant.refused("Set-DistributionGroup", **identity, PrimarySmtpAddress=f"{STUB}@EXAMPLE.com")
    assert "multiple primary" in tenant.refused(
        "Set-DistributionGroup", **identity, EmailAddresses=["SMTP:p@example.com", "SMTP:q@example.com"]
    )
    assert "no primary" in tenant.refused("Set-DistributionGroup", **identity, EmailAddresses=[])
    assert "in one command" in tenant.refused(
        "Set-DistributionGroup", **identity, EmailAddresses=["p@example.com"], PrimarySmtpAddress="q@example.com"
    )
    assert "already being used" in tenant.refused("New-DistributionGroup", Name="x", PrimarySmtpAddress="b@example.com")
    assert tenant.call("New-DistributionGroup", Name="x", Alias="migratedusers").kind == "ADObjectAlreadyExistsException"


@pytest.mark.usefixtures("group")
def test_members(tenant: Client) -> None:
    """Adding, removing and replacing, by any identity; rows show primary addresses."""
    for identity in (STUB, f"{MOVED}@tqhjy.mail.onmicrosoft.com", f"{MAILUSER}@example.com", ROOM, NESTED, DYNAMIC):
        tenant.rows("Add-DistributionGroupMember", Identity="Migrated Users", Member=identity)
    expected = sorted(f"{name}@example.com" for name in (STUB, MOVED, MAILUSER, ROOM, NESTED, DYNAMIC))
    assert members(tenant) == expected == tenant.sandbox.state()["members"]["Migrated@example.com"]
    heard = tenant.call("Add-DistributionGroupMember", Identity="Migrated Users", Member=f"{STUB}@tqhjy.onmicrosoft.com")
    assert (heard.status, heard.kind) == (400, "MemberAlreadyExistsException")
    assert "is already a member of the group" in heard.error[2]
    tenant.rows("Remove-DistributionGroupMember", Identity="Migrated Users", Member=STUB, Confirm=False)
    heard = tenant.call("Remove-DistributionGroupMember", Identity="Migrated Users", Member=STUB)
    assert (heard.status, heard.kind) == (400, "MemberNotFoundException")
    assert "isn't a member of the group" in heard.error[2]
    tenant.rows("Update-DistributionGroupMember", Identity="Migrated Users", Members=[STUB, PILOT, STUB.upper() + "@example.com"])
    assert members(tenant) == [f"{PILOT}@example.com", f"{STUB}@example.com"]
    edit = {"@odata.type": HASHTABLE, "Add": [ROOM], "Remove": [PILOT]}
    tenant.rows("Update-DistributionGroupMember", Identity="Migrated Users", Members=edit)
    assert members(tenant) == [f"{STUB}@example.com", f"{ROOM}@example.com"]
    tenant.rows("Update-DistributionGroupMember", Identity="Migrated Users", Members=[])
    assert members(tenant) == []


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize("identity", [TEAM365, FOLDER, "Migrated Users"])
def test_no_members(tenant: Client, identity: str) -> None:
    """Microsoft 365 groups, public folders and the group itself cannot be members, by any cmdlet."""
    assert "can't be a member" in tenant.refused("Add-DistributionGroupMember", Identity="Migrated Users", Member=identity)
    assert "can't be a member" in tenant.refused("Update-DistributionGroupMember", Identity="Migrated Users", Members=[STUB, identity])
    assert members(tenant) == []


@pytest.mark.usefixtures("group")
def test_member_errors(tenant: Client) -> None:
    """A plain user, an unknown one, none at all, too many."""
    tenant.sandbox.put("User", objects=[{"Name": "plain", "UserPrincipalName": "plain@example.com"}], tenant=tenant.organization)
    assert "can't be a member" in tenant.refused("Add-DistributionGroupMember", Identity="Migrated Users", Member="plain@example.com")
    assert tenant.call("Add-DistributionGroupMember", Identity="Migrated Users", Member=f"{NOOBJ}@example.com").status == 404
    assert tenant.call("Update-DistributionGroupMember", Identity="Migrated Users", Members=[f"{NOOBJ}@example.com"]).status == 404
    assert "Member" in tenant.refused("Add-DistributionGroupMember", Identity="Migrated Users")
    assert "10000" in tenant.refused("Update-DistributionGroupMember", Identity="Migrated Users", Members=[f"u{n}" for n in range(10001)])
    tenant.sandbox.parameters(group_members_limit=1)
    assert "at most 1" in tenant.refused("Update-DistributionGroupMember", Identity="Migrated Users", Members=[STUB, PILOT])
    assert tenant.call("Get-DistributionGroupMember", Identity="nothing").status == 404


@pytest.mark.usefixtures("group")
def test_manager_check(tenant: Client) -> None:
    """Where the check is on, an application that is no owner needs the bypass."""
    tenant.sandbox.parameters(manager_check=True)
    heard = tenant.call("Add-DistributionGroupMember", Identity="Migrated Users", Member=STUB)
    assert heard.kind == "OperationRequiresGroupManagerException"
    for cmdlet, more in (
        ("Add-DistributionGroupMember", {"Member": STUB}),
        ("Set-DistributionGroup", {"DisplayName": "x"}),
        ("Update-DistributionGroupMember", {"Members": []}),
        ("Remove-DistributionGroup", {}),
    ):
        assert tenant.call(cmdlet, Identity="Migrated Users", **more).status == 400
        tenant.rows(cmdlet, Identity="Migrated Users", BypassSecurityGroupManagerCheck=True, **more)


@pytest.mark.usefixtures("group")
def test_synchronised(tenant: Client) -> None:
    """What is mastered on premises refuses writes, but not forwarding."""
    for noun, name in (("DistributionGroup", "Migrated Users"), ("Mailbox", STUB)):
        tenant.sandbox.put(noun, identity=name, set={"IsDirSynced": True}, tenant=tenant.organization)
    for cmdlet, more in (
        ("Set-DistributionGroup", {"DisplayName": "x"}),
        ("Remove-DistributionGroup", {}),
        ("Add-DistributionGroupMember", {"Member": PILOT}),
        ("Update-DistributionGroupMember", {"Members": []}),
    ):
        assert tenant.call(cmdlet, Identity="Migrated Users", **more).kind == "UnableToWriteToAadException"
    assert tenant.call("Set-Mailbox", Identity=STUB, EmailAddresses=["x@example.com"]).kind == "UnableToWriteToAadException"
    assert tenant.call("Remove-Mailbox", Identity=STUB).kind == "UnableToWriteToAadException"
    tenant.rows("Set-Mailbox", Identity=STUB, ForwardingSmtpAddress="a@example.net")


def test_removed_objects(tenant: Client, group: dict[str, Any]) -> None:
    """A removed recipient leaves its groups; a removed group is gone and its name is free."""
    tenant.rows("Update-DistributionGroupMember", Identity="Migrated Users", Members=[STUB, PILOT])
    tenant.rows("Remove-Mailbox", Identity=STUB)
    assert members(tenant) == [f"{PILOT}@example.com"]
    tenant.rows("Remove-DistributionGroup", Identity="Migrated Users", Confirm=False)
    assert tenant.call("Get-DistributionGroup", Identity="Migrated Users").status == 404
    assert tenant.row("New-DistributionGroup", Name="Migrated Users", PrimarySmtpAddress="Migrated@example.com")["Guid"] != group["Guid"]


def test_copy_owner(tenant: Client) -> None:
    """Members at creation, the owner among them if wanted."""
    tenant.rows(
        "New-DistributionGroup", Name="g", PrimarySmtpAddress="g@example.com", ManagedBy=[PILOT], Members=[STUB], CopyOwnerToMember=True
    )
    assert tenant.sandbox.state()["members"]["g@example.com"] == [f"{PILOT}@example.com", f"{STUB}@example.com"]


def test_kinds_of_recipient(tenant: Client) -> None:
    """Each Get shows its own kind; Get-Recipient shows all that have an address; filters narrow."""
    every = tenant.rows("Get-Recipient", ResultSize="Unlimited")
    kinds = {row["RecipientTypeDetails"] for row in every}
    assert kinds == {
        "UserMailbox",
        "MailUser",
        "GuestMailUser",
        "RoomMailbox",
        "SharedMailbox",
        "GroupMailbox",
        "PublicFolder",
        "DynamicDistributionGroup",
        "MailUniversalDistributionGroup",
    }
    for cmdlet, kind in (
        ("Get-UnifiedGroup", "GroupMailbox"),
        ("Get-MailPublicFolder", "PublicFolder"),
        ("Get-DynamicDistributionGroup", "DynamicDistributionGroup"),
    ):
        assert {row["RecipientTypeDetails"] for row in tenant.rows(cmdlet)} == {kind}
    chosen = tenant.rows("Get-Recipient", RecipientTypeDetails=["RoomMailbox", "SharedMailbox"])
    assert {row["RecipientTypeDetails"] for row in chosen} == {"RoomMailbox", "SharedMailbox"}
    assert len(tenant.rows("Get-Recipient", Filter=f"EmailAddresses -eq 'smtp:{STUB}@tqhjy.mail.onmicrosoft.com'")) == 1
    assert len(tenant.rows("Get-Recipient", Filter="Name -like 'user000*' -and RecipientTypeDetails -ne 'UserMailbox'")) == 3
    assert len(tenant.rows("Get-Mailbox", Filter=f"Name -eq '{PILOT}' -or Name -eq '{STUB}'")) == 2
    assert "filter syntax" in tenant.refused("Get-Recipient", Filter="nonsense")
    assert {frozenset(row) for row in tenant.rows("Get-Recipient", Properties=["Name"])} == {frozenset({"Name", "Identity", "Guid"})}
    assert tenant.call("Get-Mailbox", Identity=MAILUSER).status == 404
    assert tenant.call("Get-Recipient", Identity=f"{NOOBJ}@example.com").status == 404
    assert len(tenant.rows("Get-Recipient", Anr="user000")) == 7
    assert len(tenant.rows("Get-Recipient", Identity="user000*")) == 7


def test_forwarding(tenant: Client) -> None:
    """Forwarding reads back a prefix and an id; null clears; both can stand."""
    tenant.rows(
        "Set-Mailbox", Identity=STUB, ForwardingSMTPAddress="A@example.net", ForwardingAddress=PILOT, DeliverToMailboxAndForward=True
    )
    row = tenant.row("Get-Mailbox", Identity=STUB)
    pilot = tenant.row("Get-Recipient", Identity=PILOT)
    assert (row["ForwardingSmtpAddress"], row["ForwardingAddress"]) == ("smtp:A@example.net", pilot["ExternalDirectoryObjectId"])
    tenant.sandbox.parameters(forwarding_address_form="name")
    assert tenant.row("Get-Mailbox", Identity=STUB)["ForwardingAddress"] == pilot["Name"]
    tenant.rows("Set-Mailbox", Identity=STUB, ForwardingSmtpAddress=None, ForwardingAddress=None)
    row = tenant.row("Get-Mailbox", Identity=STUB)
    assert (row["ForwardingSmtpAddress"], row["ForwardingAddress"], row["DeliverToMailboxAndForward"]) == (None, None, True)


def test_mailbox_forms(tenant: Client) -> None:
    """Quotas with bytes, spans, numbers as text; a new mailbox's identity is an id."""
    tenant.rows("Set-Mailbox", Identity=STUB, ProhibitSendQuota="50GB", RetainDeletedItemsFor="30", RecipientLimits=200, Type="Shared")
    row = tenant.row("Get-Mailbox", Identity=STUB)
    assert (row["ProhibitSendQuota"], row["RetainDeletedItemsFor"], row["RecipientLimits"], row["RecipientTypeDetails"]) == (
        "50 GB (53,687,091,200 bytes)",
        "30.00:00:00",
        "200",
        "SharedMailbox",
    )
    made = tenant.row("New-Mailbox", Name="sales", Shared=True, PrimarySmtpAddress="sales@example.com")
    assert (made["RecipientTypeDetails"], made["Identity"]) == ("SharedMailbox", made["ExternalDirectoryObjectId"])
    assert len({made[key] for key in ("Guid", "ExternalDirectoryObjectId", "ExchangeGuid")}) == 3
    assert tenant.row("Get-User", Identity="sales")["UserPrincipalName"] == "sales@example.com"


def test_other_new_recipients(tenant: Client) -> None:
    """Contacts, mail users, Microsoft 365 groups, dynamic groups."""
    contact = tenant.row("New-MailContact", Name="c", ExternalEmailAddress="c@example.net")
    assert (contact["ExternalEmailAddress"], contact["PrimarySmtpAddress"]) == ("SMTP:c@example.net", "c@example.net")
    user = tenant.row(
        "New-MailUser", Name="m", ExternalEmailAddress="m@example.net", MicrosoftOnlineServicesID="m@example.com", Password="cGFzcw=="
    )
    assert (user["ExternalEmailAddress"], user["UserPrincipalName"]) == ("SMTP:m@example.net", "m@example.com")
    assert tenant.row("New-UnifiedGroup", DisplayName="team")["RecipientTypeDetails"] == "GroupMailbox"
    assert tenant.row("New-DynamicDistributionGroup", Name="d", RecipientFilter="x")["RecipientFilter"] == "x"
    for noun, name in (("MailContact", "c"), ("MailUser", "m"), ("UnifiedGroup", "team"), ("DynamicDistributionGroup", "d")):
        tenant.rows(f"Set-{noun}", Identity=name, DisplayName="shown")
        assert tenant.row(f"Get-{noun}", Identity=name)["DisplayName"] == "shown"
        tenant.rows(f"Remove-{noun}", Identity=name)
        assert tenant.call(f"Get-{noun}", Identity=name).status == 404


@pytest.mark.usefixtures("group")
def test_user_and_group_views(tenant: Client) -> None:
    """Get-User and Get-Group show the directory's half."""
    tenant.rows("Set-User", Identity=STUB, Department="Sales")
    assert tenant.row("Get-User", Identity=STUB)["Department"] == "Sales"
    tenant.rows("Update-DistributionGroupMember", Identity="Migrated Users", Members=[STUB])
    assert tenant.row("Get-Group", Identity="Migrated Users")["Members"] == [STUB]
