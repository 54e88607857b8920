import { Alert, Button, Group, JsonInput, Menu, SegmentedControl, Text, Title } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconChevronDown, IconSend } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { api, take, type Schemas } from "@/api/client";
import { Code } from "@/components/code";
import { Copy } from "@/components/copy";
import { atLine, pretty, sentenceCase } from "@/components/highlight";
import { Failed } from "@/components/states";
import { typeOf } from "@/features/events/queries";
import type { Sync } from "@/features/syncs/queries";
import { stepOf, type SyncInput } from "./form";
import { type Preview, sentEvent } from "./preview";
import { TestResult } from "./test-result";
import { placeOf, saidOf } from "./unready";
import classes from "./live-request.module.css";

type Part = Schemas["PartView"];

interface LiveRequestProps {
  sync: Sync;
  changes: SyncInput;
  preview: Preview;
  may: boolean;
}

/** The request that the sync makes of a real event, as one types; and sending it for a test. */
export function LiveRequest({ sync, changes, preview, may }: LiveRequestProps) {
  const { answer, error, pending, away } = preview;
  const [chosen, setChosen] = useState<Schemas["Part"]>("event");
  const parts = answer?.requests ?? [];
  const part = parts.find((each) => each.part === chosen) ?? parts[0];
  const test = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/projects/{project}/syncs/{sync}/test", {
          params: { path: { project: sync.project, sync: sync.id } },
          body: {
            changes,
            ...sentEvent(preview.text),
            ...(part === undefined ? {} : { part: part.part }),
          },
        }),
      ),
  });
  // What came of the test is below what was sent: it is shown once it is there.
  const result = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (test.status === "success" || test.status === "error") result.current?.scrollIntoView({ block: "nearest" });
  }, [test.status, test.submittedAt]);
  return (
    <aside className={classes.panel} aria-label="Live request">
      <Group justify="space-between" mb={10} gap="xs">
        <Title order={2}>Live request</Title>
        <EventChoice preview={preview} />
      </Group>
      {preview.unmatched !== null && (
        <Text size="sm" mb="sm" role="status">
          {preview.unmatched === 1 ? "The only event so far doesn't match" : `None of the last ${preview.unmatched.toLocaleString()} events matches`} the filter. Shown is the newest{" "}
          {typeof preview.event?.event_type === "string" ? preview.event.event_type : "event"}.
        </Text>
      )}
      {parts.length > 1 && (
        <SegmentedControl
          size="xs"
          fullWidth
          mb="sm"
          aria-label="What is sent"
          value={part?.part ?? "event"}
          data={parts.map((each) => ({ value: each.part, label: each.part === "event" ? "Event" : "User" }))}
          onChange={(value) => {
            setChosen(value === "user" ? "user" : "event");
          }}
        />
      )}
      {part === undefined && away !== null && <Failed error={away} what="The request can't be shown" />}
      {error !== null && away === null && answer === undefined && preview.problems.length === 0 && <Failed error={error} what="The request can't be shown" />}
      {part !== undefined && (
        <div aria-busy={pending}>
          <RequestView part={part} />
        </div>
      )}
      {part === undefined && away === null && preview.problems.length > 0 && (
        <Alert color="gray" title="The request appears here once this is done">
          <ul className={classes.missing}>
            {preview.problems.map((problem) => (
              <li key={problem.pointer + problem.message}>
                <Link
                  to="/p/$project/syncs/$sync/settings"
                  params={{ project: sync.project, sync: sync.id }}
                  search={{ step: stepOf(problem) }}
                  replace
                >
                  {placeOf(problem)}
                </Link>
                : {saidOf(problem)}
              </li>
            ))}
          </ul>
        </Alert>
      )}
      {answer !== undefined && answer.stand_ins.length > 0 && (
        <Text size="xs" c="dimmed" mt={8}>
          Placeholders stand in for what isn't filled in yet: {answer.stand_ins.map((each) => each.split("/").slice(2).join(" ") || each).join(", ")}.
        </Text>
      )}
      {may && (
        <Group mt="md">
          <Button
            variant="default"
            leftSection={<IconSend size={15} />}
            loading={test.isPending}
            disabled={part === undefined}
            onClick={() => {
              test.mutate();
            }}
          >
            Send test {part?.part === "user" ? "user" : "event"}
          </Button>
        </Group>
      )}
      <div ref={result} aria-live="polite">
        {test.error !== null && <Failed error={test.error} what="The test wasn't sent" />}
        {test.data !== undefined && <TestResult result={test.data} />}
      </div>
    </aside>
  );
}

/** Chooses which event the request is made of. */
function EventChoice({ preview }: { preview: Preview }) {
  const { source, setSource, recent, event, text, matches } = preview;
  const types = [...new Set(recent.map(typeOf))];
  const label =
    source.kind === "pasted"
      ? "A pasted event"
      : event === null
        ? "A sample event"
        : `Newest ${matches ? "match: " : ""}${typeof event.event_type === "string" ? event.event_type : "event"}`;
  const paste = () => {
    modals.open({
      title: "Paste an event",
      size: "lg",
      children: (
        <PasteForm
          beginning={text}
          onPaste={(pasted, written) => {
            setSource({ kind: "pasted", event: pasted, text: written });
            modals.closeAll();
          }}
        />
      ),
    });
  };
  return (
    <Menu width={260}>
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          size="xs"
          rightSection={<IconChevronDown size={14} />}
          aria-label={`Event: ${label}. Choose another event`}
        >
          {label}
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={360} style={{ overflowY: "auto" }}>
        <Menu.Item
          onClick={() => {
            setSource({ kind: "sent" });
          }}
        >
          The newest event that matches the filter
        </Menu.Item>
        <Menu.Item
          onClick={() => {
            setSource({ kind: "newest" });
          }}
        >
          The newest event of all
        </Menu.Item>
        {types.length > 0 && <Menu.Label>The newest event of a type</Menu.Label>}
        {types.map((type) => (
          <Menu.Item
            key={type}
            onClick={() => {
              setSource({ kind: "newest", type });
            }}
          >
            {type}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={paste}>Paste one…</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

interface PasteProps {
  /** The event to begin with: JSON text. */
  beginning: string | null;
  onPaste: (event: Record<string, unknown>, text: string) => void;
}

function PasteForm({ beginning, onPaste }: PasteProps) {
  const [text, setText] = useState(beginning === null ? "" : pretty(beginning).text);
  const [error, setError] = useState<string>();
  return (
    <>
      <JsonInput
        label="Event"
        description="As it is streamed: templates see it as input."
        autosize
        minRows={10}
        maxRows={22}
        value={text}
        error={error}
        data-autofocus
        classNames={{ input: classes.json ?? "" }}
        onChange={(value) => {
          setText(value);
          setError(undefined);
        }}
      />
      <Button
        mt="md"
        onClick={() => {
          try {
            const event: unknown = JSON.parse(text);
            if (typeof event === "object" && event !== null && !Array.isArray(event)) {
              onPaste(event as Record<string, unknown>, text);
            } else setError("An event must be a JSON object.");
          } catch (problem) {
            setError(problem instanceof Error ? problem.message : "This is not valid JSON.");
          }
        }}
      >
        Use this event
      </Button>
    </>
  );
}

/** A request, or why there would be none. */
export function RequestView({ part }: { part: Part }) {
  const { request, reason, note } = part;
  if (request == null) {
    return (
      <Alert color={part.outcome === "filtered" ? "gray" : "yellow"} title={part.outcome === "filtered" ? "This event is not sent" : "The request can't be built from this event"}>
        {sentenceCase(atLine(reason?.message ?? "there is nothing to send", reason?.line))}
        {note != null && <Text size="sm">{sentenceCase(note)}.</Text>}
        {reason?.body != null && (
          <div style={{ marginTop: 8 }}>
            <Code text={reason.body} json={false} label="The rendered body" maxHeight="30vh" />
          </div>
        )}
      </Alert>
    );
  }
  const body = pretty(request.body);
  return (
    <>
      {note != null && (
        <Alert color="gray" mb="sm">
          {sentenceCase(note)}.
        </Alert>
      )}
      <div className={classes.line}>
        <span className={classes.method}>{request.method}</span>
        <span className="mono">{request.url}</span>
      </div>
      <dl className={classes.headers}>
        {request.headers.map((header) => (
          <div key={header.name}>
            <dt>{header.name}</dt>
            <dd>{header.value}</dd>
          </div>
        ))}
      </dl>
      <Code text={body.text} json={body.json} label="Body" maxHeight="46vh" />
      <Group gap={4} mt={6} wrap="nowrap" align="flex-start">
        <Copy text={request.curl} what="Copy as curl" />
        <Text size="xs" c="dimmed" pt={5}>
          As a curl command
          {request.variables.length > 0 &&
            `; set ${request.variables.map((variable) => `${variable.name} to ${variable.meaning}`).join(", ")}`}
        </Text>
      </Group>
    </>
  );
}
