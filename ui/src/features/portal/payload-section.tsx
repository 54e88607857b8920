import { Input, Select, Skeleton, Switch, Text, TextInput } from "@mantine/core";
import { Suspense, useState } from "react";
import type { Schemas } from "@/api/client";
import { Items } from "@/components/items";
import { Section } from "@/components/page";
import { late } from "@/components/late";
import { AnswersField } from "./answers-field";
import { Findings, Left } from "./findings";
import { useInput } from "./input";
import { isNoUrl, problemAt, problemsAt, type TabProps } from "./shared";
import classes from "./editor.module.css";

const TemplateEditor = late(() => import("@/components/template/editor"));

type Payload = Schemas["Payload"];

const BEGINNING = `{
  "name": "\${input.event_type?json_string}",
  "time": "\${input.event_time}"
}
`;

/** The request that is made of an event, or of a user. */
export function PayloadSection({ organisation, part, draft, may, check, findings, left, jump, onJump }: TabProps & { part: "events" | "users" }) {
  const input = useInput(organisation);
  const payload = draft.content[part] ?? null;
  const events = part === "events";
  const change = (next: Partial<Payload>) => {
    if (payload !== null) draft.change({ [part]: { ...payload, ...next } });
  };
  // What nobody has filled in yet isn't wrong: the check says that it is missing.
  const [typed, setTyped] = useState(false);
  const own = findings.filter((finding) => finding.pointer.startsWith(`/${part}/`));
  const body = problemsAt(check, `/${part}/body`).map(({ message, line, column }) => ({
    message,
    line: line ?? null,
    column: column ?? null,
  }));
  return (
    <Section
      title={events ? "Events payload" : "Users payload"}
      about={events ? "The request for each event." : "The request for each user, if users are sent, too."}
      actions={
        <Switch
          label={events ? "Send events" : "Send users"}
          disabled={!may}
          checked={payload !== null}
          onChange={(event) => {
            const fresh: Payload = { method: "POST", url: "", headers: [], body: BEGINNING };
            draft.change({ [part]: event.currentTarget.checked ? fresh : null });
          }}
        />
      }
    >
      {payload === null ? (
        <Text c="dimmed" size="sm">
          Nothing is sent for {part}.
        </Text>
      ) : (
        <div className={classes.fields}>
          <div className={classes.row}>
            <Select
              label="Method"
              disabled={!may}
              data={["POST", "PUT", "PATCH"]}
              value={payload.method ?? "POST"}
              onChange={(method) => {
                if (method !== null) change({ method: method as Schemas["Method"] });
              }}
            />
            <TextInput
              label="URL endpoint"
              disabled={!may}
              classNames={{ input: "mono" }}
              data-pointer={`/${part}/url`}
              placeholder="Such as https://api.example.com/events"
              value={payload.url}
              error={isNoUrl(payload.url) ? (typed ? "Enter where requests are sent." : undefined) : problemAt(check, `/${part}/url`)}
              onChange={(event) => {
                setTyped(true);
                change({ url: event.currentTarget.value });
              }}
            />
          </div>
          <Headers payload={payload} part={part} may={may} check={check} onChange={change} />
          <Input.Wrapper
            label="Body"
            labelElement="div"
            description={`A FreeMarker template. Empty: the ${events ? "event" : "user"} as it is streamed.`}
          >
            <Suspense fallback={<Skeleton height={220} mt={8} />}>
              <TemplateEditor
                label={`Body of ${part}`}
                value={payload.body ?? ""}
                problems={body}
                readOnly={!may}
                jump={jump?.pointer === `/${part}/body` ? jump : undefined}
                scope={{
                  input,
                  parameters: draft.content.parameters.map((each) => each.name),
                  mappedFields: draft.content.mappings.flatMap((each) =>
                    (each.kinds ?? []).length > 0 ? (each.kinds ?? []) : [each.name],
                  ),
                }}
                onChange={(text) => {
                  change({ body: text === "" ? null : text });
                }}
              />
            </Suspense>
          </Input.Wrapper>
          <AnswersField part={part} payload={payload} draft={draft} may={may} check={check} jump={jump} onChange={change} />
          <Findings findings={own} payload={payload} may={may && !draft.dirty} onChange={change} onMended={onJump} />
          <Left left={left.filter((each) => each.pointer.startsWith(`/${part}/`))} content={draft.content} />
        </div>
      )}
    </Section>
  );
}

interface HeadersProps {
  payload: Payload;
  part: string;
  may: boolean;
  check: TabProps["check"];
  onChange: (part: Partial<Payload>) => void;
}

function Headers({ payload, part, may, check, onChange }: HeadersProps) {
  return (
    <Input.Wrapper label="REST API headers" labelElement="div" description="Content-Type is application/json unless you say otherwise.">
      <Items
        look="rows"
        what="header"
        items={payload.headers ?? []}
        disabled={!may}
        make={() => ({ name: "", value: "" })}
        onChange={(headers) => {
          onChange({ headers });
        }}
      >
        {(header, index, replace) => (
          <>
            <TextInput
              aria-label={`Key of header ${String(index + 1)}`}
              placeholder="Header key"
              disabled={!may}
              classNames={{ input: "mono" }}
              value={header.name}
              error={problemAt(check, `/${part}/headers/${String(index)}/name`)}
              onChange={(event) => {
                replace({ name: event.currentTarget.value });
              }}
            />
            <TextInput
              aria-label={`Value of header ${String(index + 1)}`}
              placeholder="Header value"
              disabled={!may}
              classNames={{ input: "mono" }}
              data-pointer={`/${part}/headers/${String(index)}/value`}
              value={header.value}
              error={problemAt(check, `/${part}/headers/${String(index)}/value`)}
              onChange={(event) => {
                replace({ value: event.currentTarget.value });
              }}
            />
          </>
        )}
      </Items>
    </Input.Wrapper>
  );
}
