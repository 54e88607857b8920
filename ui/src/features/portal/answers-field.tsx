import { Input, Select, Skeleton, Switch, TextInput } from "@mantine/core";
import { Suspense } from "react";
import type { Schemas } from "@/api/client";
import { late } from "@/components/late";
import { RulesField } from "./rules-field";
import { problemAt, problemsAt, type TabProps } from "./shared";
import classes from "./editor.module.css";

const TemplateEditor = late(() => import("@/components/template/editor"));

type Payload = Schemas["Payload"];
type FollowUp = Schemas["FollowUp"];

const BEGINNING: FollowUp = { method: "PUT", url: "https://", responses: [] };

interface AnswersProps extends Pick<TabProps, "draft" | "may" | "check" | "jump"> {
  part: "events" | "users";
  payload: Payload;
  onChange: (part: Partial<Payload>) => void;
}

/** What answers mean where the status doesn't tell, and the one request that may follow. */
export function AnswersField({ part, payload, draft, may, check, jump, onChange }: AnswersProps) {
  const follow = payload.follow_up ?? null;
  const asks = (payload.responses ?? []).some(({ means }) => means === "follow_up");
  return (
    <>
      <Input.Wrapper
        label="Response rules"
        labelElement="div"
        description="A 2xx response is a success, anything else is retried. Rules say where this destination differs; the first that matches decides."
      >
        <div style={{ marginTop: 10 }}>
          <RulesField
            rules={payload.responses ?? []}
            at={`/${part}/responses`}
            may={may}
            check={check}
            follows
            onChange={(responses) => {
              onChange({ responses });
            }}
          />
        </div>
      </Input.Wrapper>
      {(asks || follow !== null) && (
        <div className={classes.item} role="group" aria-label={`Follow-up request of ${part}`}>
          <div className={classes.fields}>
            <Switch
              label="Follow-up request"
              description="To the same scheme, host and port, with the headers of the one before. Its templates see answer.status and answer.body, too."
              disabled={!may}
              data-pointer={`/${part}/follow_up`}
              error={problemAt(check, `/${part}/follow_up`)}
              checked={follow !== null}
              onChange={(event) => {
                onChange({ follow_up: event.currentTarget.checked ? { ...BEGINNING, url: payload.url } : null });
              }}
            />
            {follow !== null && (
              <FollowUpFields
                part={part}
                follow={follow}
                draft={draft}
                may={may}
                check={check}
                jump={jump}
                onChange={(next) => {
                  onChange({ follow_up: { ...follow, ...next } });
                }}
              />
            )}
          </div>
        </div>
      )}
    </>
  );
}

interface FollowUpProps extends Pick<AnswersProps, "part" | "draft" | "may" | "check" | "jump"> {
  follow: FollowUp;
  onChange: (part: Partial<FollowUp>) => void;
}

function FollowUpFields({ part, follow, draft, may, check, jump, onChange }: FollowUpProps) {
  const at = `/${part}/follow_up`;
  const body = problemsAt(check, `${at}/body`).map(({ message, line, column }) => ({ message, line: line ?? null, column: column ?? null }));
  return (
    <>
      <div className={classes.row}>
        <Select
          label="Method"
          disabled={!may}
          data={["POST", "PUT", "PATCH"]}
          value={follow.method ?? "POST"}
          onChange={(method) => {
            if (method !== null) onChange({ method: method as Schemas["Method"] });
          }}
        />
        <TextInput
          label="URL of the follow-up request"
          placeholder="https://api.example.com/contacts/${answer.body.id?url}"
          disabled={!may}
          classNames={{ input: "mono" }}
          data-pointer={`${at}/url`}
          value={follow.url}
          error={problemAt(check, `${at}/url`)}
          onChange={(event) => {
            onChange({ url: event.currentTarget.value });
          }}
        />
      </div>
      <Input.Wrapper label="Body of the follow-up request" labelElement="div" description="A FreeMarker template. Empty: the body of the request before.">
        <Suspense fallback={<Skeleton height={120} mt={8} />}>
          <TemplateEditor
            label={`Body of the follow-up request of ${part}`}
            value={follow.body ?? ""}
            problems={body}
            readOnly={!may}
            jump={jump?.pointer === `${at}/body` ? jump : undefined}
            scope={{
              input: null,
              parameters: draft.content.parameters.map((each) => each.name),
              mappedFields: draft.content.mappings.flatMap((each) => ((each.kinds ?? []).length > 0 ? (each.kinds ?? []) : [each.name])),
              answer: true,
            }}
            onChange={(text) => {
              onChange({ body: text === "" ? null : text });
            }}
          />
        </Suspense>
      </Input.Wrapper>
      <Input.Wrapper label="Rules for its responses" labelElement="div">
        <div style={{ marginTop: 10 }}>
          <RulesField
            rules={follow.responses ?? []}
            at={`${at}/responses`}
            may={may}
            check={check}
            follows={false}
            onChange={(responses) => {
              onChange({ responses });
            }}
          />
        </div>
      </Input.Wrapper>
    </>
  );
}
