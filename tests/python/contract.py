"""What schemathesis does beside its own checks: requests carry somebody's credentials, nothing of another
organisation is answered, and it is written down which answers there were."""

import os

import schemathesis

# Stands in the name of everything that the other organisation has.
MARK = os.environ["MILLSTREAM_TEST_MARK"]
# A line for each kind of answer: operation and status.
ANSWERS = os.environ["MILLSTREAM_TEST_ANSWERS"]
SESSION = os.environ.get("MILLSTREAM_TEST_SESSION")
TOKEN = os.environ.get("MILLSTREAM_TEST_TOKEN")
# Operators may know of all organisations.
IS_OPERATOR = "MILLSTREAM_TEST_OPERATOR" in os.environ

answers = set()


@schemathesis.hook
def before_call(context, case, kwargs):
    # In place of the ones that were made up.
    case.headers.pop("Authorization", None)
    case.cookies = {}
    if SESSION:
        name, value = SESSION.split("=", 1)
        case.cookies = {name: value}
    if TOKEN:
        case.headers["Authorization"] = f"Bearer {TOKEN}"


@schemathesis.check
def nothing_of_another_organisation(ctx, response, case):
    operation = case.operation.definition.raw["operationId"]
    answer = f"{operation} {response.status_code}"
    if answer not in answers:
        answers.add(answer)
        with open(ANSWERS, "a") as file:
            print(answer, file=file)
    if not (IS_OPERATOR and case.operation.path.startswith("/api/v1/installation/")):
        assert MARK not in response.text, f"an answer tells of another organisation: {response.text}"
