"""What schemathesis does beside its own checks: requests are made by several callers, nothing of another
organisation is answered, and it is written down which answers there were."""

import collections
import json
import os

import schemathesis

# Stands in the name of everything that the other organisation has.
MARK = os.environ["MILLSTREAM_TEST_MARK"]
# A line for each kind of answer: caller, operation and status.
ANSWERS = os.environ["MILLSTREAM_TEST_ANSWERS"]
# Objects with a `name`, what the caller proves itself with (`session`, a cookie, or `token`, or nothing), and
# below which path it may know of all organisations (`knows`).
CALLERS = json.loads(os.environ["MILLSTREAM_TEST_CALLERS"])

# The longest picture that the document allows.
LOGO_CHARACTERS = 699_052

# So many cases of each operation are made by every caller, and the first that somebody may make; not counting
# those with a method or a media type that nobody may use. The others are made by one caller each, in turn.
BY_ALL = 4
TAKEN_OF_NOBODY = {405, 415}
# So many cases of each operation are all made. Of the next so many every second one is, then every third …:
# of bodies with many fields there are thousands of cases, which are very much like each other.
DENSE = 16
# So many cases of each operation have the `If-Match`, `Idempotency-Key` and `cursor` that were made up. They
# are refused for those as a rule, which says nothing of the rest.
MADE_UP = 8
# Operations that send a request where they are told to, and where they are told here instead.
SENDING = {"test_definition", "test_sync"}
DESTINATION = os.environ["MILLSTREAM_TEST_DESTINATION"]

generated = collections.Counter()
made = collections.Counter()
repeated = collections.Counter()
succeeded = set()
answers = set()


class Turn:
    """Who makes the next request."""

    caller = CALLERS[0]
    # Whether it repeats one that another caller has made, and whether that made something.
    again = False
    succeeded = False


@schemathesis.hook
def filter_case(context, case):
    operation = operation_of(case)
    number = generated[operation]
    generated[operation] += 1
    return number % (1 + number // DENSE) == 0


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = operation_of(case)
    if not Turn.again:
        Turn.caller = CALLERS[made[operation] % len(CALLERS)]
        made[operation] += 1
    # In place of the ones that were made up.
    case.headers.pop("Authorization", None)
    case.cookies = {}
    if "session" in Turn.caller:
        name, value = Turn.caller["session"].split("=", 1)
        case.cookies = {name: value}
    if "token" in Turn.caller:
        case.headers["Authorization"] = f"Bearer {Turn.caller['token']}"
    if Turn.again or made[operation] > MADE_UP:
        case.headers.pop("idempotency-key", None)
        if "if-match" in case.headers:
            case.headers["if-match"] = "*"
        if case.query:
            case.query.pop("cursor", None)
    # A picture that is made up is none, and what it comes with would never be made. One that breaks the
    # document stays.
    logo = case.body.get("logo") if isinstance(case.body, dict) else None
    if isinstance(logo, str) and len(logo) <= LOGO_CHARACTERS:
        case.body = {name: value for name, value in case.body.items() if name != "logo"}
    if operation in SENDING:
        case.body = sent_here(case.body)
    # A name that is taken says nothing of who may take one.
    if Turn.again and Turn.succeeded and isinstance(case.body, dict) and "name" in case.body:
        case.body = {**case.body, "name": f"{operation} by {Turn.caller['name']}"}


def sent_here(value):
    """The same with our destination in place of all addresses: nothing is sent to strangers."""
    if isinstance(value, dict):
        return {name: sent_here(member) for name, member in value.items()}
    if isinstance(value, list):
        return [sent_here(item) for item in value]
    is_address = isinstance(value, str) and value.strip().lower().startswith("http")
    return DESTINATION if is_address else value


@schemathesis.check
def nothing_of_another_organisation(ctx, response, case):
    note(response, case)
    operation = operation_of(case)
    if Turn.again or response.status_code in TAKEN_OF_NOBODY:
        return
    is_first_success = response.status_code < 300 and operation not in succeeded
    if repeated[operation] == BY_ALL and not is_first_success:
        return
    if is_first_success:
        succeeded.add(operation)
    if repeated[operation] < BY_ALL:
        repeated[operation] += 1
    first = Turn.caller
    Turn.again, Turn.succeeded = True, is_first_success
    try:
        for caller in CALLERS:
            if caller is not first:
                Turn.caller = caller
                # Its answer goes through all checks, this one too.
                case.call_and_validate()
    finally:
        Turn.again, Turn.succeeded, Turn.caller = False, False, first


def note(response, case):
    """Writes an answer down, and refuses one that tells too much."""
    answer = f"{Turn.caller['name']} {operation_of(case)} {response.status_code}"
    if answer not in answers:
        answers.add(answer)
        with open(ANSWERS, "a") as file:
            print(answer, file=file)
    knows = Turn.caller.get("knows")
    if not (knows and case.operation.path.startswith(knows)):
        assert MARK not in response.text, f"{answer} tells of another organisation: {response.text}"


def operation_of(case):
    return case.operation.definition.raw["operationId"]
