# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Azure command line as far as azure-identity uses it: ``az account get-access-token``, answered by the sandbox.

SANDBOX_CONTROL names the sandbox's control URL; without it nobody is signed in. ``--tenant`` chooses the tenant.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime


def main() -> int:
    """Print a token as the real program does, or its error."""
    parser = argparse.ArgumentParser(prog="az")
    parser.add_argument("words", nargs=2)
    parser.add_argument("--resource")
    parser.add_argument("--scope")
    parser.add_argument("--tenant", default="")
    parser.add_argument("--subscription")
    parser.add_argument("--output")
    given = parser.parse_args()
    control = os.environ.get("SANDBOX_CONTROL", "")
    if given.words != ["account", "get-access-token"] or not control:
        print("ERROR: Please run 'az login' to setup account.", file=sys.stderr)
        return 1
    body = json.dumps({"tenant": given.tenant}).encode()
    request = urllib.request.Request(control + "/tokens", data=body, method="POST")  # noqa: S310 - the sandbox's http URL
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the sandbox's http URL
            issued = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        print(f"ERROR: AADSTS90002: Tenant '{given.tenant}' not found: {error.reason}", file=sys.stderr)
        return 1
    expires = int(time.time()) + int(issued["expires_in"])
    local = datetime.fromtimestamp(expires).strftime("%Y-%m-%d %H:%M:%S.000000")  # noqa: DTZ006 - the program prints local time
    print(
        json.dumps(
            {
                "accessToken": issued["access_token"],
                "expiresOn": local,
                "expires_on": expires,
                "tokenType": "Bearer",
                "tenant": given.tenant,
                "subscription": "",
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
