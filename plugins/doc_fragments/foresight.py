# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the tools that only look and predict."""

from __future__ import annotations


class ModuleDocFragment:
    """What no tenant shows, and a snapshot instead of a reading."""

    DOCUMENTATION = r"""
options:
  known:
    description:
      - What no tenant shows, where it is known better than it can be asked. It replaces what was observed.
      - C(mx) says who answers for a domain, as C(tenant), C(source), a source's name or another host; or a mapping with C(holder),
        C(before) (what some resolvers still hold) and C(until). Behind another host mail may go to either side; name that side instead
        where it is known.
      - C(forwards) maps addresses at the source to where they are forwarded, or is a list such as
        M(mailops.exchange.forwarding_list) returns.
      - C(moving) maps users whose membership changed to the time by which it surely acts.
      - C(synced) lists users whose last sync is done, and C(unsynced) those for whom it is still to come. Of whom neither tells, it is
        done for those that the source's list has at home in the tenant.
      - C(modes) maps a source to what it does, of C(reject), C(relay), C(catch_all), C(reject_own_domain), C(local_only), C(keep_copy),
        C(rate_limited), C(follows_mx) (it hands mail for its own domains to the MX where that is elsewhere) and C(footer) (it changes
        bodies, which breaks DKIM). What is left out it does not do. C(off) lists sources that are switched off.
      - C(certificates) maps a source to the name in the certificate that its mail host sends with, for connectors that ask for one.
      - C(dmarc) maps a sender's domain to its DMARC policy, C(none), C(quarantine) or C(reject). Whether its mail is signed is then open.
      - C(facts) maps a disputed fact to the reading that is known for this tenant.
    type: raw
"""

    SNAPSHOT = r"""
options:
  snapshot:
    description:
      - A snapshot of M(mailops.exchange.coexistence_snapshot_info), or its file on the controller. Nothing is read then.
    type: raw
"""
