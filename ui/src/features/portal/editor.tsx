import { Alert, Badge, Button, Group, Popover, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, matching, take, type Schemas } from "@/api/client";
import { Absent } from "@/components/absent";
import { confirmDanger } from "@/components/confirm";
import { Conflicts } from "@/components/conflicts";
import { BackLink } from "@/components/links";
import { Logo } from "@/components/logo";
import { done } from "@/components/notices";
import { Page } from "@/components/page";
import { Failed } from "@/components/states";
import { useMay } from "@/features/access/me";
import classes from "@/features/syncs/sync.module.css";
import { differences } from "@/features/syncs/difference";
import { ConfigurationTab } from "./configuration";
import { type Draft, useDraft } from "./draft";
import { FindingNames } from "./findings";
import { useReceiving } from "./input";
import { checkQuery, type Content, type Definition, definitionQuery, definitionVersionQuery, lintQuery } from "./queries";
import { pinned, returnedOf, useReviewed } from "./pins";
import { ReviewBadge } from "./review-badge";
import type { Jump } from "./shared";
import { TestingTab } from "./testing";
import { VersionsTab } from "./versions";
import own from "./editor.module.css";

const route = getRouteApi("/shell/o/$organisation/destinations/$definition");

type Finding = Schemas["FindingView"];

const TABS = [
  { id: undefined, label: "Configuration" },
  { id: "testing", label: "Testing" },
  { id: "versions", label: "Versions" },
] as const;

/** Where a partner defines a destination: configuration, testing, versions. */
export function DefinitionPage() {
  const { organisation, definition: id } = route.useParams();
  const definition = useQuery(definitionQuery(organisation, id));
  if (definition.data === undefined) {
    return (
      <Page title="Destination">
        <Absent query={definition} failed="This destination can't be shown" rows={6} />
      </Page>
    );
  }
  return <Editor key={id} organisation={organisation} definition={definition.data} />;
}

function Editor({ organisation, definition }: { organisation: string; definition: Definition }) {
  const { tab } = route.useSearch();
  const may = useMay(organisation, "definitions:write");
  const draft = useDraft(organisation, definition);
  const check = useQuery(checkQuery(organisation, definition));
  const project = useReceiving(organisation)?.id;
  const lint = useQuery(lintQuery(organisation, definition, project));
  const { content } = draft;
  const returned = returnedOf(useReviewed(organisation, definition));
  const said = returned?.comments ?? [];
  const commented = useQuery({ ...definitionVersionQuery(organisation, definition.id, returned?.version ?? 0), enabled: said.length > 0 });
  const pins = pinned(said, commented.data?.content, content);
  const [jump, setJump] = useState<Jump>();
  const navigate = route.useNavigate();
  const goTo = (place: Jump) => {
    setJump(place);
    if (tab !== undefined) void navigate({ search: {}, replace: true });
    // Fields that are no templates are found by their pointer, once they are there.
    requestAnimationFrame(() => {
      const field = document.querySelector<HTMLElement>(`[data-pointer="${CSS.escape(place.pointer)}"]`);
      field?.scrollIntoView({ block: "center" });
      field?.focus();
    });
  };
  const shared = { organisation, definition, draft, may, check: check.data, findings: lint.data?.findings ?? [], left: lint.data?.left ?? [], returned, pins, jump, onJump: goTo };
  return (
    <Page
      wide
      title={content.display_name}
      above={
        <BackLink to="/o/$organisation/destinations" params={{ organisation }}>
          My destinations
        </BackLink>
      }
      heading={
        <Group gap={12} wrap="nowrap">
          <Logo name={content.display_name} logo={content.about.logo} size={38} />
          <span>{content.display_name}</span>
        </Group>
      }
      about={
        <Group gap={12} mt={6}>
          <Badge color={definition.newest == null ? "gray" : "water"}>
            {definition.newest == null ? "Draft, not released" : `Version ${String(definition.newest)} released`}
          </Badge>
          {definition.approved != null && (
            <Badge color="green">
              {definition.approved === definition.newest ? "In everyone's catalog" : `Version ${String(definition.approved)} in everyone's catalog`}
            </Badge>
          )}
          <ReviewBadge organisation={organisation} definition={definition} />
          <SaveState draft={draft} />
        </Group>
      }
      actions={
        may && (
          <ReleaseButton
            organisation={organisation}
            definition={definition}
            draft={draft}
            problems={check.data?.problems.length ?? null}
            findings={lint.isError ? [] : lint.isPlaceholderData ? undefined : lint.data?.findings}
          />
        )
      }
    >
      {draft.error !== null && (
        <div style={{ marginBottom: 16 }}>
          <Failed error={draft.error} what="The draft isn't saved" again={draft.saveNow} />
        </div>
      )}
      <Conflicts at={draft.conflicts} mine={content} theirs={draft.stored} onKeep={draft.keepMine} onTake={draft.takeTheirs} />
      <nav className={classes.parts} aria-label="Parts of the destination">
        {TABS.map(({ id, label }) => (
          <Link
            key={label}
            to="/o/$organisation/destinations/$definition"
            params={{ organisation, definition: definition.id }}
            search={{ tab: id }}
            replace
            className={classes.part}
            data-active={tab === id ? true : undefined}
            aria-current={tab === id ? "page" : undefined}
          >
            {label}
          </Link>
        ))}
      </nav>
      {tab === undefined && <ConfigurationTab {...shared} />}
      {tab === "testing" && <TestingTab {...shared} />}
      {tab === "versions" && <VersionsTab organisation={organisation} definition={definition} may={may} />}
    </Page>
  );
}

function SaveState({ draft }: { draft: Draft }) {
  const words = draft.error !== null || draft.conflicts.length > 0 ? "Not saved" : draft.saving || draft.dirty ? "Saving…" : "Draft saved";
  return (
    <Text size="sm" c="dimmed" role="status">
      {words}
    </Text>
  );
}

interface ReleaseProps {
  organisation: string;
  definition: Definition;
  draft: Draft;
  /** How many problems the draft has; null: not known yet. */
  problems: number | null;
  /** What the linter found; undefined: not known yet. */
  findings: Finding[] | undefined;
}

function ReleaseButton({ organisation, definition, draft, problems, findings }: ReleaseProps) {
  const client = useQueryClient();
  const release = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/organisations/{organisation}/definitions/{definition}/release", {
          params: { path: { organisation, definition: definition.id }, header: matching(definition.revision) },
        }),
      ),
    onSuccess: (version) => {
      void client.invalidateQueries({ queryKey: ["definition", organisation, definition.id] });
      void client.invalidateQueries({ queryKey: ["definition-versions", organisation, definition.id] });
      void client.invalidateQueries({ queryKey: ["definitions", organisation] });
      void client.invalidateQueries({ queryKey: ["catalog", organisation] });
      void client.invalidateQueries({ queryKey: ["destination", organisation, definition.id] });
      done(`Version ${String(version.version)} is in your organisation's catalog.`);
    },
  });
  const newest = useQuery({
    ...definitionVersionQuery(organisation, definition.id, definition.newest ?? 0),
    enabled: definition.newest != null,
  });
  const [asked, setAsked] = useState(false);
  const same = newest.data !== undefined && differences(newest.data.content, draft.content).length === 0;
  const settled = !draft.dirty && !draft.saving && problems === 0 && findings !== undefined && !same;
  const broken = (findings ?? []).filter((finding) => finding.severity === "error");
  return (
    <>
      {release.error !== null && (
        <Alert color="red" py={6}>
          {release.error.message}
        </Alert>
      )}
      {same && (
        <Text size="sm" c="dimmed">
          Same as version {definition.newest}
        </Text>
      )}
      {/* One button, whether it can be pressed or says why it can't: the focus stays on it. */}
      <Popover opened={asked && !settled} onChange={setAsked} position="bottom-end" shadow="md" width={300}>
        <Popover.Target>
          <Button
            aria-disabled={settled ? undefined : true}
            className={settled ? "" : (own.waiting ?? "")}
            loading={release.isPending}
            onKeyDown={(event) => {
              if (event.key === "Escape") setAsked(false);
            }}
            onClick={() => {
              if (!settled) {
                setAsked(!asked);
                return;
              }
              confirmRelease(broken, draft.content, () => {
                release.mutate();
              });
            }}
          >
            Release internally
          </Button>
        </Popover.Target>
        <Popover.Dropdown aria-label="Why it can't be released yet">
          <Text size="sm">{notYet(problems, same ? (definition.newest ?? null) : null)}</Text>
        </Popover.Dropdown>
      </Popover>
    </>
  );
}

/** Why a draft can't be released at present: what was found in it, or that it is the same as a version. */
function notYet(problems: number | null, sameAs: number | null): string {
  if (problems !== null && problems > 0) {
    return `The check beside the configuration found ${problems === 1 ? "a problem: fix it" : `${String(problems)} problems: fix them`} first.`;
  }
  return sameAs === null ? "The draft is being saved and checked." : `Nothing has changed since version ${String(sameAs)}.`;
}

/** Asks before a release; what the linter has proven to break is named, and released on purpose only. */
function confirmRelease(broken: Finding[], content: Content, onConfirm: () => void): void {
  const what =
    "It becomes a version, which never changes, and everyone in your organisation can connect it. Syncs of earlier versions stay as they are.";
  if (broken.length === 0) {
    confirmDanger({ title: "Release this draft?", what, action: "Release version", onConfirm, safe: true });
    return;
  }
  confirmDanger({
    title: broken.length === 1 ? "Some events break it" : `Some events break it in ${String(broken.length)} places`,
    what: (
      <>
        Such events would be discarded or arrive damaged. Mend it first, unless you know that they never come.
        <FindingNames findings={broken} content={content} />
      </>
    ),
    action: "Release all the same",
    keep: "Go back and mend",
    onConfirm,
  });
}
