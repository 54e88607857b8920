"""A check of schemathesis: whatever is asked, nothing of another organisation is answered."""

import os

import schemathesis

# Stands in the name of everything that the other organisation has.
MARK = os.environ["MILLSTREAM_OTHER_ORGANISATION"]


@schemathesis.check
def nothing_of_another_organisation(ctx, response, case):
    assert MARK not in response.text, f"an answer tells of another organisation: {response.text}"
