import { ActionIcon, Alert, Button, Group, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, take, type Schemas } from "@/api/client";
import { Absent } from "@/components/absent";
import { confirmDanger } from "@/components/confirm";
import { fieldName } from "@/components/field-name";
import { sentenceCase } from "@/components/highlight";
import { BackLink } from "@/components/links";
import { Logo } from "@/components/logo";
import { Time } from "@/components/moment";
import { done } from "@/components/notices";
import { Page, Section } from "@/components/page";
import { useSettled } from "@/components/settled";
import { Prose } from "@/components/prose";
import { Failed, LoadingRows } from "@/components/states";
import { useSendsMail } from "@/features/access/providers";
import { type Filled, SetupForm, TilePreview } from "@/features/portal/form-preview";
import classes from "@/features/portal/editor.module.css";
import { usePerson } from "@/features/access/me";
import { RequestView } from "@/features/setup/live-request";
import { Changes } from "@/features/syncs/changes";
import { differences, stated } from "@/features/syncs/difference";
import { formerReviewQuery, reviewQuery } from "./queries";
import { ForReviewers } from "./reviews";

const route = getRouteApi("/shell/reviews/$definition/$version");

type Review = Schemas["ReviewView"];

/** The field that the decision begins with. */
const NOTE = "decision-note";
/** What says why it can't be sent back yet. */
const WHY_NOT = "decision-why-not";

/** A submitted version: what differs from what everyone has, what it sends, and the decision. */
export function ReviewPage() {
  return usePerson().installation.reviewer ? <Asked /> : <ForReviewers />;
}

function Asked() {
  const { definition, version } = route.useParams();
  const review = useQuery(reviewQuery(definition, Number(version)));
  if (review.data === undefined) {
    return (
      <Page title="Review">
        <Absent query={review} failed="This version can't be shown" rows={6} />
      </Page>
    );
  }
  return <Shown review={review.data} />;
}

function Shown({ review: { submitted, approved } }: { review: Review }) {
  const { content } = submitted;
  return (
    <Page
      wide
      title={content.display_name}
      actions={
        submitted.state === "submitted" && (
          // Where it is narrow, the decision stands below all that is to be read.
          <Button className={classes.ahead ?? ""} variant="default" onClick={() => document.getElementById(NOTE)?.focus()}>
            Go to the decision
          </Button>
        )
      }
      above={
        <BackLink to="/reviews">
          Reviews
        </BackLink>
      }
      heading={
        <Group gap={12} wrap="nowrap">
          <Logo name={content.display_name} logo={content.about.logo} size={38} />
          <span>{content.display_name}</span>
        </Group>
      }
      about={
        <>
          Version {submitted.version}, submitted by {submitted.submitted_by ?? "somebody"}
          {submitted.submitted_at != null && (
            <>
              {" "}
              <Time at={submitted.submitted_at} />
            </>
          )}
        </>
      }
    >
      <div className={classes.columns}>
        <div className={classes.form}>
          <Since submitted={submitted} />
          <Section title={approved == null ? "The whole definition" : "Differences to the published version"}>
            <Changes changes={approved == null ? stated(content) : differences(approved, content)} of={content} />
          </Section>
          {submitted.description_html.trim() !== "" && (
            <Section title="Description">
              <Prose html={submitted.description_html} />
            </Section>
          )}
        </div>
        <aside className={classes.aside} aria-label="Decision">
          {submitted.state === "submitted" ? (
            <Decision definition={submitted.definition} version={submitted.version} content={content} />
          ) : (
            <Text>This version was already reviewed.</Text>
          )}
          <Section title="Tile">
            <TilePreview content={content} />
          </Section>
          <Sent definition={submitted.definition} version={submitted.version} content={content} />
        </aside>
      </div>
    </Page>
  );
}

/** Of a version that answers one that was sent back: what was asked for then, and what is different now. */
function Since({ submitted }: { submitted: Review["submitted"] }) {
  const former = useQuery({ ...formerReviewQuery(submitted.definition, submitted.version), enabled: submitted.version > 1 });
  if (former.data === undefined) {
    return former.error === null ? null : <Failed error={former.error} what="What was asked for before can't be shown" again={() => void former.refetch()} />;
  }
  if (former.data === null) return null;
  const { version, note, comments, content } = former.data;
  return (
    <Section title={`Since version ${String(version)}, which was sent back`}>
      <Alert color="yellow" mb="md" title="Changes were requested">
        {note !== "" && (
          <Text size="sm" className={classes.note ?? ""}>
            {note}
          </Text>
        )}
        {comments.map(({ pointer, comment }) => (
          <Text size="sm" key={pointer + comment}>
            <b>{fieldName(pointer, content)}</b>: {comment}
          </Text>
        ))}
      </Alert>
      <Changes changes={differences(content, submitted.content)} of={submitted.content} />
    </Section>
  );
}

/** What it makes of a sample event, with test values of the reviewer's. */
function Sent({ definition, version, content }: DecisionProps) {
  const [filled, setFilled] = useState<Filled>({ parameters: {}, mappings: {} });
  const settings = useSettled({ ...filled, users: { send: content.users != null } }, 350);
  const preview = useQuery({
    queryKey: ["review-preview", definition, version, settings],
    queryFn: () =>
      take(
        api.POST("/api/v1/installation/reviews/{definition}/versions/{version}/preview", {
          params: { path: { definition, version } },
          body: { settings },
        }),
      ),
    staleTime: Infinity,
    placeholderData: keepPreviousData,
  });
  const problems = preview.data?.problems ?? [];
  return (
    <Section title="What it sends" about="Of a sample event. Placeholders stand in for required values.">
      <SetupForm content={content} filled={filled} onChange={setFilled} problems={problems} />
      <div style={{ height: 14 }} />
      {preview.isError && <Failed error={preview.error} what="The request can't be shown" />}
      {preview.isPending && <LoadingRows rows={3} />}
      {preview.data?.requests.map((part) => <RequestView key={part.part} part={part} />)}
      {preview.data?.requests.length === 0 &&
        problems.map((each) => (
          <Text size="sm" key={each.pointer + each.message}>
            <b>{fieldName(each.pointer.replace(/^\/(definition|settings)(?=\/)/, ""), content)}</b>: {sentenceCase(each.message)}
          </Text>
        ))}
    </Section>
  );
}

interface DecisionProps {
  definition: string;
  version: number;
  content: Schemas["ContentView"];
}

function Decision({ definition, version, content }: DecisionProps) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const sendsMail = useSendsMail();
  const [note, setNote] = useState("");
  const [comments, setComments] = useState<Schemas["CommentView"][]>([]);
  const [pointer, setPointer] = useState<string | null>(null);
  const [comment, setComment] = useState("");
  const fields = pointersOf(content);
  const pinned =
    pointer !== null && comment.trim() !== "" ? [...comments, { pointer, comment: comment.trim() }] : comments;
  const says = [note.trim(), ...pinned].filter((each) => each !== "");
  const decide = useMutation({
    mutationFn: (decision: Schemas["DecisionName"]) =>
      take(
        api.POST("/api/v1/installation/reviews/{definition}/versions/{version}/decision", {
          params: { path: { definition, version } },
          body: { decision, note, comments: pinned },
        }),
      ),
    onSuccess: async (_, decision) => {
      void client.invalidateQueries({ queryKey: ["reviews"] });
      done(decision === "approve" ? "It is in everyone's catalog." : "Changes requested, with your note and comments.");
      await navigate({ to: "/reviews" });
    },
  });
  return (
    <Section title="Decision">
      <Stack gap="sm">
        <Textarea
          id={NOTE}
          label="Note"
          description={sendsMail === true ? "About the whole. Its author gets it by mail." : "About the whole. Its author sees it with the version."}
          value={note}
          onChange={(event) => {
            setNote(event.currentTarget.value);
          }}
        />
        {comments.map((each, index) => (
          <Group key={each.pointer + each.comment} gap={6} wrap="nowrap" align="flex-start">
            <Text size="sm" style={{ flex: 1 }}>
              <b>{fieldName(each.pointer, content)}</b>: {each.comment}
            </Text>
            <ActionIcon
              size="sm"
              aria-label={`Remove comment on ${fieldName(each.pointer, content)}`}
              onClick={() => {
                setComments(comments.filter((_, at) => at !== index));
              }}
            >
              <IconX size={14} />
            </ActionIcon>
          </Group>
        ))}
        <Select
          label="Comment on a field"
          placeholder="Choose a field"
          searchable
          clearable
          data={fields.map((value) => ({ value, label: fieldName(value, content) }))}
          value={pointer}
          onChange={setPointer}
        />
        {pointer !== null && (
          <Group gap={8} wrap="nowrap">
            <TextInput
              aria-label="Comment"
              style={{ flex: 1 }}
              value={comment}
              onChange={(event) => {
                setComment(event.currentTarget.value);
              }}
            />
            <Button
              variant="default"
              disabled={comment.trim() === ""}
              onClick={() => {
                setComments(pinned);
                setComment("");
                setPointer(null);
              }}
            >
              Add
            </Button>
          </Group>
        )}
        {decide.error !== null && <Failed error={decide.error} what="The decision wasn't saved" />}
        <Group>
          <Button
            loading={decide.isPending && decide.variables === "approve"}
            onClick={() => {
              confirmDanger({
                title: "Approve this version?",
                what: "Everyone on this installation finds it in the catalog and can connect it.",
                action: "Approve",
                safe: true,
                onConfirm: () => {
                  decide.mutate("approve");
                },
              });
            }}
          >
            Approve
          </Button>
          <Button
            variant="default"
            loading={decide.isPending && decide.variables === "return"}
            disabled={says.length === 0}
            aria-describedby={WHY_NOT}
            onClick={() => {
              decide.mutate("return");
            }}
          >
            Request changes
          </Button>
          <Text size="sm" c="dimmed" id={WHY_NOT}>
            {says.length === 0 && "To request changes, add a note or comment first."}
          </Text>
        </Group>
      </Stack>
    </Section>
  );
}

/** The fields of a definition, as JSON pointers: what comments are pinned to. */
function pointersOf(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return path === "" ? [] : [path];
  return Object.entries(value).flatMap(([name, member]) =>
    pointersOf(member, `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`),
  );
}
