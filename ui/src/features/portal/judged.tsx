import { JsonInput, NumberInput, Text } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { Section } from "@/components/page";
import { sentenceCase } from "@/components/highlight";
import { RequestView } from "@/features/setup/live-request";
import { inWords, MEANINGS, type Rule } from "./answers";
import classes from "./editor.module.css";

export type Answer = Schemas["AnswerInput"];

interface AnswerProps {
  answer: Answer | null;
  onChange: (answer: Answer | null) => void;
}

/** A response to try the rules with: what it would mean stands beside the request. */
export function AnswerField({ answer, onChange }: AnswerProps) {
  const [body, setBody] = useState(answer?.body ?? "");
  const [status, setStatus] = useState<number | null>(answer?.status ?? null);
  const change = (next: { status: number | null; body: string }) => {
    setStatus(next.status);
    setBody(next.body);
    onChange(next.status === null || next.status < 100 || next.status > 599 ? null : { status: next.status, body: next.body });
  };
  return (
    <Section title="Simulated response" about="Try how a response of the destination is classified, and which request would follow.">
      <div className={classes.fields}>
        <NumberInput
          label="Response status"
          placeholder="Not simulated"
          w={{ base: "100%", xs: 220 }}
          min={100}
          max={599}
          allowDecimal={false}
          value={status ?? ""}
          onChange={(value) => {
            change({ status: typeof value === "number" ? value : null, body });
          }}
        />
        {status !== null && (
          <JsonInput
            label="Response body"
            autosize
            minRows={3}
            maxRows={14}
            placeholder={'{"errors": []}'}
            classNames={{ input: "mono" }}
            value={body}
            onChange={(text) => {
              change({ status, body: text });
            }}
          />
        )}
      </div>
    </Section>
  );
}

/** What an answer would mean, by which rule, and the request that would follow. */
export function Judged({ judged, rules }: { judged: Schemas["JudgedView"]; rules: Rule[] }) {
  const { means, rule, message, follow_up } = judged;
  const deciding = rule == null ? undefined : rules[rule];
  return (
    <div className={classes.judged} role="status" aria-label="Classification">
      <Text fw={600} size="sm">
        {sentenceCase(MEANINGS[means])}
      </Text>
      <Text size="sm" c="dimmed">
        {rule == null ? "No rule matches: the status decides." : `Rule ${String(rule + 1)} matches${deciding === undefined ? "" : `: ${inWords(deciding)}`}.`}
        {message !== "" && ` Message: ${message}`}
      </Text>
      {follow_up != null && (
        <div className={classes.follows}>
          <Text size="sm" fw={600} mb={6}>
            Follow-up request
          </Text>
          <RequestView part={follow_up} />
        </div>
      )}
    </div>
  );
}
