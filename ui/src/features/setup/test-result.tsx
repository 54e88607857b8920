import { Alert, Text } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck } from "@tabler/icons-react";
import type { Schemas } from "@/api/client";
import { Code } from "@/components/code";
import { pretty, sentenceCase } from "@/components/highlight";

const TITLES: Record<Schemas["VerdictName"], string> = {
  delivered: "Delivered",
  retried: "Not delivered: it would be retried",
  discarded: "Rejected: it would not be retried",
  refused: "Not delivered: the request was not sent, or rejected",
  not_sent: "Nothing was sent",
};

/** What came of a test: the verdict, and the destination's answer. */
export function TestResult({ result }: { result: Schemas["TestView"] }) {
  const { verdict, answer, milliseconds, sent, follow_up: followed } = result;
  const good = verdict === "delivered";
  const message = verdict === "not_sent" ? (sent.reason?.message ?? result.message) : result.message;
  const body = answer == null ? null : pretty(answer.body);
  return (
    <Alert
      mt="sm"
      color={good ? "green" : verdict === "not_sent" ? "gray" : "red"}
      icon={good ? <IconCircleCheck size={18} /> : <IconAlertTriangle size={18} />}
      title={TITLES[verdict]}
      role="status"
    >
      <Text size="sm">
        {sentenceCase(message)}
        {milliseconds != null && <span className="muted numbers"> {milliseconds.toFixed(0)} ms</span>}
      </Text>
      {sent.note != null && <Text size="sm">{sentenceCase(sent.note)}.</Text>}
      {body !== null && body.text !== "" && (
        <div style={{ marginTop: 8 }}>
          <Code text={body.text} json={body.json} label="Response" maxHeight={220} />
        </div>
      )}
      {followed != null && <Followed followed={followed} />}
    </Alert>
  );
}

/** The request that followed the answer, and what came of it. */
function Followed({ followed }: { followed: Schemas["FollowUpView"] }) {
  const { sent, answer, milliseconds } = followed;
  const body = answer == null ? null : pretty(answer.body);
  return (
    <div style={{ marginTop: 12 }}>
      <Text size="sm" fw={600}>
        Follow-up request
        {milliseconds != null && <span className="muted numbers"> {milliseconds.toFixed(0)} ms</span>}
      </Text>
      {sent.request == null ? (
        <Text size="sm">{sentenceCase(sent.reason?.message ?? "nothing was sent")}</Text>
      ) : (
        <Text size="sm">
          <b>{sent.request.method}</b> <span className="mono">{sent.request.url}</span>
          {answer != null && `, response ${String(answer.status)}`}
        </Text>
      )}
      {sent.request != null && sent.request.body !== "" && (
        <div style={{ marginTop: 8 }}>
          <Code {...pretty(sent.request.body)} label="Body of the follow-up request" maxHeight={160} />
        </div>
      )}
      {body !== null && body.text !== "" && (
        <div style={{ marginTop: 8 }}>
          <Code text={body.text} json={body.json} label="Response to the follow-up request" maxHeight={160} />
        </div>
      )}
    </div>
  );
}
