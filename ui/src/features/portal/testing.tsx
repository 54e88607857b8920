import { Alert, Button, Group, JsonInput, SegmentedControl, Text } from "@mantine/core";
import { IconSend } from "@tabler/icons-react";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ProblemError, take, type Schemas } from "@/api/client";
import { Section } from "@/components/page";
import { useSettled } from "@/components/settled";
import { Failed, LoadingRows } from "@/components/states";
import { RequestView } from "@/features/setup/live-request";
import { sentEvent } from "@/features/setup/preview";
import { TestResult } from "@/features/setup/test-result";
import { type Filled, SetupForm } from "./form-preview";
import { type Answer, AnswerField, Judged } from "./judged";
import type { TabProps } from "./shared";
import { Usage } from "./usage";
import classes from "./editor.module.css";

/** Test values, the request that they make of an event, and asking the destination. */
export function TestingTab({ organisation, definition, draft, may, check, onJump }: TabProps) {
  const [filled, setFilled] = useState<Filled>({ parameters: {}, mappings: {} });
  const [text, setText] = useState("");
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [part, setPart] = useState<Schemas["Part"]>("event");
  const event = parsedEvent(text);
  const input = {
    settings: {
      parameters: filled.parameters,
      mappings: filled.mappings,
      users: { send: definition.draft.users != null },
    },
  };
  const sent = event === null || event instanceof Error ? null : text;
  const settled = useSettled({ ...input, ...(answer === null ? {} : { answer }), sent }, 350);
  const path = { organisation, definition: definition.id };
  const preview = useQuery({
    queryKey: ["definition-preview", organisation, definition.id, definition.revision, settled],
    queryFn: () =>
      take(
        api.POST("/api/v1/organisations/{organisation}/definitions/{definition}/preview", {
          params: { path },
          body: settledBody(settled),
        }),
      ),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
  const test = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/organisations/{organisation}/definitions/{definition}/test", {
          params: { path },
          body: { ...input, ...sentEvent(sent), part },
        }),
      ),
  });
  const requests = preview.data?.requests ?? [];
  const shown = requests.find((each) => each.part === part) ?? requests[0];
  const refused = preview.error instanceof ProblemError ? preview.error.errors : [];
  return (
    <div className={classes.columns}>
      <div className={classes.form}>
        <Section title="Test values" about="What a user would fill in. Not stored.">
          <div className={classes.item}>
            <SetupForm
              content={draft.content}
              filled={filled}
              onChange={setFilled}
              problems={[...refused, ...(preview.data?.problems ?? [])]}
            />
          </div>
        </Section>
        <Section title="Event" about="Paste an event as it is streamed. Leave empty for a sample with all common fields.">
          <JsonInput
            aria-label="Event"
            autosize
            minRows={4}
            maxRows={16}
            placeholder="{}"
            classNames={{ input: "mono" }}
            value={text}
            error={event instanceof Error ? event.message : undefined}
            onChange={setText}
          />
        </Section>
        <AnswerField answer={answer} onChange={setAnswer} />
        <Usage check={check} content={draft.content} onJump={onJump} />
      </div>
      <aside className={classes.aside} aria-label="The request">
        <Section title="Test payload" about="The request, as it would be sent. Copy it as a curl command below.">
          {requests.length > 1 && (
            <SegmentedControl
              size="xs"
              fullWidth
              mb="sm"
              aria-label="What is sent"
              value={part}
              data={[
                { value: "event", label: "Event" },
                { value: "user", label: "User" },
              ]}
              onChange={(value) => {
                setPart(value === "user" ? "user" : "event");
              }}
            />
          )}
          {preview.isError && <Failed error={preview.error} what="The request can't be shown" />}
          {preview.isPending && <LoadingRows rows={4} />}
          {event instanceof Error && (
            <Alert color="yellow" title="The event can't be read">
              Fix it, or leave the field empty for a sample.
            </Alert>
          )}
          {shown !== undefined && !preview.isError && !(event instanceof Error) && <RequestView part={shown} />}
          {shown?.judged != null && !preview.isError && (
            <Judged judged={shown.judged} rules={draft.content[shown.part === "event" ? "events" : "users"]?.responses ?? []} />
          )}
          {requests.length === 0 && preview.isSuccess && (
            <Text size="sm" c="dimmed">
              Neither events nor users are sent yet.
            </Text>
          )}
          {(preview.data?.stand_ins.length ?? 0) > 0 && (
            <Alert color="gray" mt="sm" py={8}>
              Placeholders stand in for empty fields.{may && " Test connection needs real values."}
            </Alert>
          )}
          {may && (
            <Group mt="md">
              <Button
                leftSection={<IconSend size={15} />}
                loading={test.isPending}
                disabled={requests.length === 0 || draft.dirty || event instanceof Error}
                onClick={() => {
                  test.mutate();
                }}
              >
                Test connection
              </Button>
            </Group>
          )}
          <div aria-live="polite">
            {test.error !== null && <Failed error={test.error} what="The test wasn't sent" />}
            {test.data !== undefined && <TestResult result={test.data} />}
          </div>
        </Section>
      </aside>
    </div>
  );
}

/** What settled as what is asked for, with the event as it is written. */
function settledBody<T extends { sent: string | null }>({ sent, ...input }: T) {
  return { ...input, ...sentEvent(sent) };
}

/** The event of a text; null: none is given. */
function parsedEvent(text: string): object | null | Error {
  if (text.trim() === "") return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
    return new Error("An event must be a JSON object.");
  } catch (problem) {
    return problem instanceof Error ? problem : new Error("This is not valid JSON.");
  }
}
