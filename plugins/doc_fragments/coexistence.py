# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the coexistence roles, as options of the tools that use them."""

from __future__ import annotations


class ModuleDocFragment:
    """What is declared once and means the same to every tool and role."""

    DOCUMENTATION = r"""
options:
  domain:
    description: The shared domain, when there is only one; the short form of O(domains).
    type: str
  domains:
    description: The domains that both systems serve. Lists may also be text with commas or line breaks.
    type: list
    elements: str
  smart_hosts:
    description:
      - Hosts of the foreign system that take its mail, on port 25, by name, IPv4 address or IPv4 network.
      - They share the load, so each must serve every domain.
    type: list
    elements: str
  source_ip_ranges:
    description: IPv4 addresses from which the foreign system sends, each an address, a range or a network of at most 256 addresses.
    type: list
    elements: str
  sources:
    description:
      - Several foreign systems, each a mapping with C(name), C(domains), C(smart_hosts) and C(source_ip_ranges); JSON text is taken too.
      - Each gets a connector and rules of its own, named C(NAME (SOURCE)); the group is one for all.
    type: raw
  source_file:
    description:
      - The foreign system's address list on the controller, CSV with the columns C(address), C(kind), C(owner) and C(home).
      - C(kind) is mailbox, alias, list, resource (a room or equipment), forward (an address that leads on) or catch_all, whose address is
        C(@DOMAIN) or C(*@DOMAIN).
      - C(owner) is the mailbox of an alias, or where a forward leads. C(home) says where the address is read, source or tenant, and
        defaults to source. Both columns may be left out.
      - UTF-8, with commas, or semicolons throughout.
    type: path
  waves_file:
    description: Who moves when, a CSV file on the controller with at least the columns C(user) and C(wave).
    type: path
  wave:
    description: The wave of O(waves_file) that this run is about.
    type: str
  users:
    description: Addresses of the users that this run is about, instead of a wave.
    type: list
    elements: str
  group_name:
    description: Name of the group that tells who has moved.
    type: str
    default: Migrated Users
  group_address:
    description: Address of the group; left out, C(Migrated@DOMAIN) with the first domain.
    type: str
  group_owners:
    description: Owners of the group.
    type: list
    elements: str
  connector_name:
    description: Name of the outbound connector.
    type: str
    default: Shared Name Space with External Entity TRSC
  rule_name:
    description: Name of the routing rule.
    type: str
    default: Coexistence
  inbound_rule_name:
    description: Name of the rule, or of the inbound connector, that trusts what the foreign system sends.
    type: str
    default: Inbound from Shared Namespace
  validation_recipients:
    description:
      - Addresses of the foreign system to which the service sends a test message when it validates the connector.
      - With several sources, give one of each; a source's connector is not validated with an address in the domains of another.
    type: list
    elements: str
  routing_domain:
    description: The domain of the addresses that forwards lead to; left out, the tenant's coexistence domain or else its initial one.
    type: str
  rule_scope:
    description:
      - V(domain) routes mail to the shared domains, with exceptions for subdomains that are accepted domains of their own.
      - V(organization) routes all mail inside the organization, as the original method does.
    type: str
    choices: [domain, organization]
    default: domain
  rule_scl:
    description: The spam confidence level that the rules set; left empty, none. The roles set -1.
    type: str
  rule_priority:
    description:
      - The priority of the routing rule; left empty, a new rule comes last. A whole number from 0.
      - With several sources it is that of the first one's rule; the others follow it.
    type: str
  rule_error_action:
    description: What happens to a message when the routing rule fails.
    type: str
    choices: [Ignore, Defer]
    default: Ignore
  membership:
    description: Whether the group holds those who have moved, or those who have not yet.
    type: str
    choices: [migrated, pending]
    default: migrated
  tenant_addresses:
    description: Addresses that the routing rule leaves alone because they live in the tenant and cannot be members of a group.
    type: list
    elements: str
  spam_handling:
    description: How mail from the foreign system is kept from being taken for spam.
    type: str
    choices: [transport_rule, enhanced_filtering, none]
    default: transport_rule
  mx:
    description: Whether the MX record moves after the last wave or before the first; V(first) needs O(rule_scope=domain).
    type: str
    choices: [last, first]
    default: last
  design:
    description: The design of the coexistence; this version offers V(tenant_routed).
    type: str
    choices: [tenant_routed, hybrid, secondary_domain]
    default: tenant_routed
  teardown_order:
    description:
      - V(documented) removes rules, connector and group and then makes the domains final.
      - V(loop_free) makes the domains final before the rules stop, so that mail to addresses that nobody has never loops.
    type: str
    choices: [documented, loop_free]
    default: documented
  seed_group:
    description: Whether the set-up puts the recipients that live in the tenant into the group, as O(source_file) shows them.
    type: bool
    default: false
  final_domain_type:
    description:
      - Type of the domains after the teardown, V(Authoritative) or V(InternalRelay).
      - Left empty, what each was before, and V(Authoritative) where it relayed already before the set-up or nothing is noted. Set
        V(InternalRelay) if it must go on relaying.
    type: str
  foreign_unknown:
    description: What the foreign system does with mail for addresses that it does not know.
    type: str
    choices: [reject, relay, catch_all]
    default: reject
  accept_risks:
    description:
      - Guards whose refusals are accepted, such as V(U4). The only override for the guards V(U1) to V(U32); every result repeats it.
      - V(U7) moves the rest of a wave and returns who was refused. Any other guard, once accepted, lets the whole step go on.
      - For forwards it is C(source_forwarding_accept_risks), the variable of the role source_forwarding.
    type: list
    elements: str
  forwarding_file:
    description: A file on the controller that gets the forwarding list of a wave, as CSV.
    type: path
  forwarding_backend:
    description:
      - What keeps the forwards at the source. V(postfix), V(zimbra) and V(cpanel) are switched on O(forwarding_host),
        V(csv) and V(google) are files to import.
      - With V(none) the forwards are yours to switch; the list says which.
      - A source of O(sources) may name its own C(forwarding_backend) and C(forwarding_host), and in C(forwarding_options) options of its
        own for the back end's module, such as C(account) of a second cPanel account or C(dest) of a second file.
    type: str
    choices: [none, postfix, zimbra, cpanel, csv, google]
    default: none
  forwarding_host:
    description: The inventory's name of the mail host that keeps the forwards.
    type: str
  probe_sender:
    description:
      - The senders of probes from inside the tenant, addresses in the shared domains that the submission account may send as.
      - One is enough for one source; with several sources, give one in a domain of each. Left out, the submission account itself.
    type: list
    elements: str
  probe_outside_sender:
    description:
      - The sender of probes from outside, an address of yours in another domain. Without it mail from outside is not probed.
    type: str
  probe_sample:
    description:
      - How many users of a wave, and of each class of equal recipients in a verification, are probed; 0 for all, empty for the default.
      - In a rollback of forwards that no role reads back everybody is probed.
    type: raw
    default: 3
  reconcile_fix:
    description: What a reconciliation mends, V(members) or V(forwards) or both; all else it only reports.
    type: list
    elements: str
  forward_keep_copy:
    description: Whether a forward at the source also keeps a copy there; copies come twice while contents are still synchronised.
    type: bool
    default: false
  name_servers:
    description:
      - Name servers to ask about MX, SPF, DKIM and DMARC, each C(address:port); left out, the system's resolvers.
      - Those that answer with authority for a domain stand for its own name servers; otherwise these are found and asked too.
    type: list
    elements: str
  smtp_overrides:
    description:
      - Where a host of the outside is reached in place of its own name or address and port, a mapping of name or address to C(host:port);
        JSON text, or lines of C(name=host:port), are taken too. For laboratories.
    type: raw
  submission_host:
    description: The host that takes test messages from inside the tenant; left empty, C(smtp.office365.com).
    type: str
  submission_port:
    description: Its port; left empty, 587.
    type: str
  mailbox_url:
    description: The address at which a test system tells which mailboxes hold a message; left empty, the message trace alone is asked.
    type: str
  rule_latency:
    description: Seconds after which a changed rule surely acts as it reads; empty for the default.
    type: raw
    default: 3600
  effect_timeout:
    description: Seconds, by the controller's clock, after which a wait gives up; empty for the default.
    type: raw
    default: 14400
  effect_interval:
    description: Seconds between two looks of a wait; empty for the default.
    type: raw
    default: 60.0
  declared:
    description: What an earlier step returned as C(plan.declared); given instead of every other variable.
    type: dict
  probes:
    description: Results of M(mailops.exchange.mail_probe), or of probes that a wait made, for guards that ask for proof.
    type: list
    elements: dict
  forwards:
    description:
      - Forwards that are on at the source, each with C(address) and C(routing_address), as its back end showed them; others count as off.
      - Rows with C(on), such as a back end returns with O(mailops.exchange.postfix_forwarding#module:state=read), tell of these addresses
        alone.
    type: list
    elements: dict
"""
