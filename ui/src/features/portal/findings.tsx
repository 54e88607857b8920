import { Button, Group, Text } from "@mantine/core";
import { IconWand } from "@tabler/icons-react";
import type { Schemas } from "@/api/client";
import { fieldName } from "@/components/field-name";
import { sentenceCase } from "@/components/highlight";
import { meantBy } from "./meant";
import { mended } from "./mend";
import classes from "./editor.module.css";

type Payload = Schemas["Payload"];
type Finding = Schemas["FindingView"];

interface FindingsProps {
  findings: Finding[];
  payload: Payload;
  may: boolean;
  onChange: (part: Partial<Payload>) => void;
  /** Called with what was mended: its mends go, and whoever pressed one goes on there. */
  onMended: (finding: Finding) => void;
}

/** Faults that only some events show, each with its mends: first the name that was meant, if it is a slip. */
export function Findings({ findings, payload, may, onChange, onMended }: FindingsProps) {
  if (findings.length === 0) return null;
  return (
    <ul className={classes.findings} aria-label="Findings of the linter">
      {findings.map((finding) => (
        <li key={keyOf(finding)} className={classes.finding} data-severity={finding.severity}>
          <b className="numbers">
            {finding.severity === "error" ? "Error" : "Advice"}, line {finding.line}:
          </b>{" "}
          {sentenceCase(finding.message)}
          {proofOf(finding) !== null && <div className="muted">{proofOf(finding)}</div>}
          {may && <Mends finding={finding} payload={payload} onChange={onChange} onMended={onMended} />}
        </li>
      ))}
    </ul>
  );
}

/** What the engine said of the event that proves it; a beginning that its place went on from says nothing here. */
function proofOf({ proof }: Finding): string | null {
  const said = proof.error?.trim() ?? "";
  return said === "" || said.endsWith(":") ? null : sentenceCase(said);
}

function Mends({ finding, payload, onChange, onMended }: { finding: Finding } & Pick<FindingsProps, "payload" | "onChange" | "onMended">) {
  const template = templateAt(payload, finding.pointer);
  if (template === null) return null;
  const meant = meantBy(template.text, finding);
  const { mend } = finding;
  if (meant === null && mend == null) return null;
  return (
    <Group mt={8} gap={8}>
      {meant !== null && (
        <Button
          size="xs"
          leftSection={<IconWand size={14} />}
          onClick={() => {
            onChange(template.replaced(mended(template.text, meant.edit)));
            onMended(finding);
          }}
        >
          Write {meant.name}
        </Button>
      )}
      {mend != null && (
        <Button
          size="xs"
          variant={meant === null ? "default" : "subtle"}
          leftSection={meant === null ? <IconWand size={14} /> : undefined}
          onClick={() => {
            onChange(template.replaced(mended(template.text, mend)));
            onMended(finding);
          }}
        >
          {meant === null ? "" : "The name is right: "}
          {meant === null ? "Write" : "write"} {shortened(mend.replacement)}
        </Button>
      )}
    </Group>
  );
}

/** What is released in spite of the linter: named before it is. */
export function FindingNames({ findings, content }: { findings: Finding[]; content: unknown }) {
  return (
    <ul className={classes.findings} aria-label="What some events break">
      {findings.slice(0, 8).map((finding) => (
        <li key={keyOf(finding)} className={classes.finding} data-severity={finding.severity}>
          <b className="numbers">
            {fieldName(finding.pointer, content)}, line {finding.line}:
          </b>{" "}
          {sentenceCase(finding.message)}
        </li>
      ))}
      {findings.length > 8 && (
        <li>
          <Text size="sm">And {findings.length - 8} more.</Text>
        </li>
      )}
    </ul>
  );
}

/** What the linter has not looked at: silence about it means nothing. */
export function Left({ left, content }: { left: Schemas["LeftView"][]; content: unknown }) {
  if (left.length === 0) return null;
  return (
    <Text size="sm" c="dimmed" mt={8} role="note">
      The check is incomplete.{" "}
      {left.map((each) => `${fieldName(each.pointer, content)}: ${each.message}.`).join(" ")}
    </Text>
  );
}

function keyOf({ pointer, line, column, code }: Finding): string {
  return `${pointer}:${String(line)}:${String(column)}:${code}`;
}

/** The template at a pointer of a payload, and the payload with another text there. */
function templateAt(payload: Payload, pointer: string): { text: string; replaced: (text: string) => Partial<Payload> } | null {
  const [, , field, index, of] = pointer.split("/");
  if (field === "body") return { text: payload.body ?? "", replaced: (body) => ({ body }) };
  if (field === "url") return { text: payload.url, replaced: (url) => ({ url }) };
  const headers = payload.headers ?? [];
  const header = headers.find((_, at) => String(at) === index);
  if (field !== "headers" || header === undefined) return null;
  if (of === "name") {
    return {
      text: header.name,
      replaced: (name) => ({ headers: headers.map((each) => (each === header ? { ...each, name } : each)) }),
    };
  }
  return {
    text: header.value,
    replaced: (value) => ({ headers: headers.map((each) => (each === header ? { ...each, value } : each)) }),
  };
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
