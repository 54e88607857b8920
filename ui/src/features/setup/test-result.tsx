import { Alert, Text } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck } from "@tabler/icons-react";
import type { Schemas } from "@/api/client";
import { Code } from "@/components/code";
import { pretty, sentenceCase } from "@/components/highlight";

const TITLES: Record<Schemas["VerdictName"], string> = {
  delivered: "Delivered",
  retried: "Not delivered: it would be tried again",
  discarded: "Refused for good: nothing would be tried again",
  refused: "Not delivered: the destination was not asked, or refused",
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
      {body !== null && body.text !== "" && (
        <div style={{ marginTop: 8 }}>
          <Code text={body.text} json={body.json} label="The destination's answer" maxHeight={220} />
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
        The answer asked for one more request
        {milliseconds != null && <span className="muted numbers"> {milliseconds.toFixed(0)} ms</span>}
      </Text>
      {sent.request == null ? (
        <Text size="sm">{sentenceCase(sent.reason?.message ?? "nothing was sent")}</Text>
      ) : (
        <Text size="sm">
          <b>{sent.request.method}</b> <span className="mono">{sent.request.url}</span>
          {answer != null && `, answered ${String(answer.status)}`}
        </Text>
      )}
      {sent.request != null && sent.request.body !== "" && (
        <div style={{ marginTop: 8 }}>
          <Code {...pretty(sent.request.body)} label="Body of the request that followed" maxHeight={160} />
        </div>
      )}
      {body !== null && body.text !== "" && (
        <div style={{ marginTop: 8 }}>
          <Code text={body.text} json={body.json} label="The answer to the request that followed" maxHeight={160} />
        </div>
      )}
    </div>
  );
}
