import { ActionIcon, Button, Input, Select, Skeleton, Switch, Text, TextInput } from "@mantine/core";
import { IconPlus, IconWand, IconX } from "@tabler/icons-react";
import { lazy, Suspense } from "react";
import type { Schemas } from "@/api/client";
import { Section } from "@/components/page";
import { mended } from "./mend";
import { problemAt, problemsAt, type TabProps } from "./shared";
import classes from "./editor.module.css";

const TemplateEditor = lazy(() => import("@/components/template/editor"));

type Payload = Schemas["Payload"];

const BEGINNING = `{
  "name": "\${input.event_type?json_string}",
  "time": "\${input.event_time}"
}
`;

/** The request that is made of an event, or of a user. */
export function PayloadSection({ part, draft, may, check, findings }: TabProps & { part: "events" | "users" }) {
  const payload = draft.content[part] ?? null;
  const events = part === "events";
  const change = (next: Partial<Payload>) => {
    if (payload !== null) draft.change({ [part]: { ...payload, ...next } });
  };
  const own = findings.filter((finding) => finding.pointer.startsWith(`/${part}/`));
  const body = problemsAt(check, `/${part}/body`).map(({ message, line, column }) => ({
    message,
    line: line ?? null,
    column: column ?? null,
  }));
  return (
    <Section
      title={events ? "Events payload" : "Users payload"}
      about={events ? "The request that is made of each event." : "The request that is made of a user, where users are sent, too."}
      actions={
        <Switch
          label={events ? "Takes events" : "Takes users"}
          disabled={!may}
          checked={payload !== null}
          onChange={(event) => {
            const fresh: Payload = { method: "POST", url: "https://", headers: [], body: BEGINNING };
            draft.change({ [part]: event.currentTarget.checked ? fresh : null });
          }}
        />
      }
    >
      {payload === null ? (
        <Text c="dimmed" size="sm">
          Nothing is sent of {part}.
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
              value={payload.url}
              error={problemAt(check, `/${part}/url`)}
              onChange={(event) => {
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
                scope={{
                  input: null,
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
          <Findings
            findings={own}
            may={may && !draft.dirty}
            onMend={(finding) => {
              const next = mendedPayload(payload, finding);
              if (next !== null) change(next);
            }}
          />
        </div>
      )}
    </Section>
  );
}

/** What a mend changes of a payload: its body, URL or a header. */
function mendedPayload(payload: Payload, { pointer, mend }: Schemas["FindingView"]): Partial<Payload> | null {
  if (mend == null) return null;
  const [, , field, index] = pointer.split("/");
  if (field === "body") return { body: mended(payload.body ?? "", mend) };
  if (field === "url") return { url: mended(payload.url, mend) };
  if (field !== "headers") return null;
  const headers = (payload.headers ?? []).map((header, at) =>
    String(at) === index ? { ...header, value: mended(header.value, mend) } : header,
  );
  return { headers };
}

interface FindingsProps {
  findings: Schemas["FindingView"][];
  may: boolean;
  onMend: (finding: Schemas["FindingView"]) => void;
}

/** Faults that only some events show, each with its mend. */
function Findings({ findings, may, onMend }: FindingsProps) {
  if (findings.length === 0) return null;
  return (
    <ul className={classes.findings} aria-label="Findings of the linter">
      {findings.map((finding) => (
        <li
          key={`${finding.pointer}:${String(finding.line)}:${String(finding.column)}:${finding.code}`}
          className={classes.finding}
          data-severity={finding.severity}
        >
          <b className="numbers">
            {finding.severity === "error" ? "Breaks" : "Advice"}, line {finding.line}:
          </b>{" "}
          {finding.message}
          {finding.proof.error != null && <div className="muted">{finding.proof.error}</div>}
          {finding.mend != null && may && (
            <Button
              mt={8}
              size="xs"
              variant="default"
              leftSection={<IconWand size={14} />}
              onClick={() => {
                onMend(finding);
              }}
            >
              Write {shortened(finding.mend.replacement)}
            </Button>
          )}
        </li>
      ))}
    </ul>
  );
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

interface HeadersProps {
  payload: Payload;
  part: string;
  may: boolean;
  check: TabProps["check"];
  onChange: (part: Partial<Payload>) => void;
}

function Headers({ payload, part, may, check, onChange }: HeadersProps) {
  const headers = payload.headers ?? [];
  const replace = (index: number, change: Partial<Schemas["Header"]>) => {
    onChange({ headers: headers.map((each, at) => (at === index ? { ...each, ...change } : each)) });
  };
  return (
    <Input.Wrapper label="REST API headers" labelElement="div" description="Content-Type is application/json unless you say otherwise.">
      <div className={classes.fields} style={{ gap: 8, marginTop: 8 }}>
        {headers.map((header, index) => (
          <div key={index} className={classes.row}>
            <TextInput
              aria-label={`Key of header ${String(index + 1)}`}
              placeholder="Header key"
              disabled={!may}
              classNames={{ input: "mono" }}
              value={header.name}
              error={problemAt(check, `/${part}/headers/${String(index)}/name`)}
              onChange={(event) => {
                replace(index, { name: event.currentTarget.value });
              }}
            />
            <TextInput
              aria-label={`Value of header ${String(index + 1)}`}
              placeholder="Header value"
              disabled={!may}
              classNames={{ input: "mono" }}
              value={header.value}
              error={problemAt(check, `/${part}/headers/${String(index)}/value`)}
              onChange={(event) => {
                replace(index, { value: event.currentTarget.value });
              }}
            />
            {may && (
              <ActionIcon
                aria-label={`Remove header ${String(index + 1)}`}
                onClick={() => {
                  onChange({ headers: headers.filter((_, at) => at !== index) });
                }}
              >
                <IconX size={15} />
              </ActionIcon>
            )}
          </div>
        ))}
        {may && (
          <Button
            variant="subtle"
            size="xs"
            style={{ alignSelf: "flex-start" }}
            leftSection={<IconPlus size={14} />}
            onClick={() => {
              onChange({ headers: [...headers, { name: "", value: "" }] });
            }}
          >
            Add header
          </Button>
        )}
      </div>
    </Input.Wrapper>
  );
}
