import type { Schemas } from "@/api/client";

export type Rule = Schemas["ResponseRule"];
export type Meaning = Schemas["AnswerMeaning"];
export type BodyOperator = Schemas["BodyOperator"];

/** What answers mean, as people say it. */
export const MEANINGS: Record<Meaning, string> = {
  delivered: "delivered",
  refused: "rejected, not retried",
  retry: "retried",
  follow_up: "a follow-up request is made",
};

/** How values of a body are compared. */
export const BODY_OPERATORS: Record<BodyOperator, string> = {
  is: "is any of",
  is_not: "is none of",
  contains: "contains",
  is_set: "exists",
  is_not_set: "doesn't exist",
};

export function takesValues(operator: BodyOperator): boolean {
  return operator !== "is_set" && operator !== "is_not_set";
}

/** Whether a text names statuses: one, a class of them, or a range. */
export function isStatuses(text: string): boolean {
  const found = /^([1-5]\d{2})(?:-([1-5]\d{2}))?$|^[1-5]xx$/.exec(text);
  return found !== null && (found[2] === undefined || Number(found[1]) <= Number(found[2]));
}

/** A rule to begin with. */
export function blankRule(): Rule {
  return { status: ["4xx"], means: "refused" };
}

/** A rule as a sentence, for whoever looks at what was judged. */
export function inWords({ status = [], body = [], failed_item }: Rule): string {
  const parts = [
    ...(status.length > 0 ? [`the status is ${status.join(" or ")}`] : []),
    ...(failed_item == null ? [] : [`${failed_item.list === "" ? "the body" : failed_item.list} lists what was sent`]),
    ...body.map(({ pointer, operator, values = [] }) =>
      [pointer === "" ? "the body" : pointer, BODY_OPERATORS[operator], values.map((value) => JSON.stringify(value)).join(", ")].join(" ").trim(),
    ),
  ];
  return parts.length === 0 ? "any response" : parts.join(", and ");
}
