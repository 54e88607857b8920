import { Button, Group, Text } from "@mantine/core";
import { IconChevronRight, IconCircleCheck, IconRepeat } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Absent } from "@/components/absent";
import { sentenceCase } from "@/components/highlight";
import { TextLink } from "@/components/links";
import { Listing } from "@/components/listing";
import { Time } from "@/components/moment";
import { Section } from "@/components/page";
import { Empty } from "@/components/states";
import { type Column, DataTable } from "@/components/table";
import { useMay } from "@/features/access/me";
import { figuresQuery, inNumbers } from "@/features/overview/figures";
import { RANGES } from "@/features/overview/range";
import { RangeChoice } from "@/features/overview/range-choice";
import { useOrganisationOf } from "@/features/shell/projects";
import { statusQuery, type SyncStatus } from "@/features/syncs/queries";
import { type FailureGroup, groupsOf } from "./groups";
import { What } from "./what";
import { type Ended, endedQuery, type Replay, replaysQuery, retriesQuery, type Retry } from "./queries";
import { FailureWords } from "./failure-words";
import { useReplayDialog } from "./open-replay";
import { Replays } from "./replays";
import { nextAttempt } from "./next-attempt";
import { Samples } from "./samples";
import { reasonWords } from "./words";
import classes from "./failures.module.css";

const route = getRouteApi("/shell/p/$project/syncs/$sync/failures");

/** Why deliveries fail, what waits, what ended, and sending it again. */
export function FailuresPage() {
  const { project, sync } = route.useParams();
  const { range = "4h", kind } = route.useSearch();
  const navigate = route.useNavigate();
  const organisation = useOrganisationOf(project);
  const may = useMay(organisation, "syncs:write");
  const looks = useMay(organisation, "deliveries:read");
  const of = { project, sync };
  const figures = useQuery(figuresQuery(project, sync, range));
  const status = useQuery(statusQuery(project, sync));
  const ended = useInfiniteQuery({ ...endedQuery(of), enabled: looks });
  const retries = useInfiniteQuery({ ...retriesQuery(of), enabled: looks });
  const replays = useInfiniteQuery({ ...replaysQuery(of), enabled: looks });
  const groups = figures.data === undefined ? [] : groupsOf(figures.data);
  const samples = {
    ended: ended.data?.pages.flatMap((page) => page.items) ?? [],
    retries: retries.data?.pages.flatMap((page) => page.items) ?? [],
    more: ended.hasNextPage || retries.hasNextPage,
  };
  const again = useReplayDialog(of);
  return (
    <div>
      <Group justify="space-between" mb="sm">
        <Text c="dimmed">What went wrong in {RANGES[range].words}, by category.</Text>
        <RangeChoice range={range} onChange={(next) => void navigate({ search: { range: next }, replace: true })} />
      </Group>
      {figures.data === undefined && <Absent query={figures} failed="Failures can't be shown" rows={3} height={56} />}
      {figures.data !== undefined && groups.length === 0 && (
        <Empty icon={<IconCircleCheck size={22} />} title="Nothing failed">
          In {RANGES[range].words} every attempt succeeded. Choose a longer period to look further back.
        </Empty>
      )}
      {groups.length > 0 && (
        <ul className={classes.groups} aria-label="Failure categories">
          {groups.map((group) => (
            <li key={group.key}>
              <KindRow
                of={of}
                group={group}
                opened={group.key === kind}
                onToggle={() =>
                  void navigate({ search: { range, kind: group.key === kind ? undefined : group.key }, replace: true })
                }
                samples={samples}
                onReplay={may && samples.ended.some((each) => isOf(each, group)) ? again : undefined}
              />
            </li>
          ))}
        </ul>
      )}
      {looks && (
        <>
          <Replays of={of} query={replays} may={may} only="failed" />
          <Section title="Pending retries" about="Up to ten attempts over four hours, then a delivery expires.">
            <Listing query={retries} failed="Retries can't be shown" rows={2} few={6} empty={<Text c="dimmed">No retries are pending.</Text>}>
              {(items) => <DataTable label="Retries" columns={retryColumns(of, status.data)} rows={items} keyOf={(each) => each.delivery_id} />}
            </Listing>
          </Section>
          <Section
            title="Failed deliveries"
            about="Expired, or their request could not be built. Newest first; replay them while they are kept."
            actions={
              may &&
              samples.ended.length > 0 && (
                <Button
                  variant="default"
                  leftSection={<IconRepeat size={15} />}
                  onClick={() => {
                    again({});
                  }}
                >
                  Replay…
                </Button>
              )
            }
          >
            <Listing query={ended} failed="Failed deliveries can't be shown" rows={2} empty={<Text c="dimmed">No failed deliveries.</Text>}>
              {(items) => (
                <DataTable label="Failed deliveries" columns={endedColumns(of, may ? again : undefined)} rows={items} keyOf={(each) => each.delivery_id} />
              )}
            </Listing>
          </Section>
        </>
      )}
    </div>
  );
}

interface GroupProps {
  of: { project: string; sync: string };
  group: FailureGroup;
  opened: boolean;
  onToggle: () => void;
  /** `more`: they aren't all. */
  samples: { ended: Ended[]; retries: Retry[]; more: boolean };
  onReplay: ((begin: NonNullable<Replay["failed"]>) => void) | undefined;
}

function KindRow({ of, group, opened, onToggle, samples, onReplay }: GroupProps) {
  const { reason, status, count, trend, lastSeen, attempted } = group;
  const waiting = samples.retries.filter((each) => isFailureOf(each.failure, group));
  const over = samples.ended.filter((each) => isOf(each, group));
  return (
    <div className={classes.group}>
      <button type="button" className={classes.head} aria-expanded={opened} onClick={onToggle}>
        <IconChevronRight size={16} className={classes.chevron} aria-hidden />
        <span className={classes.reason}>
          <b>
            {status === null ? "" : `${String(status)} `}
            {reasonWords(reason)}
          </b>
          <span className="muted">{attempted ? "attempts" : "events"}</span>
        </span>
        <Trend values={trend} />
        <b className="numbers">{inNumbers(count)}</b>
        <span className={`muted ${classes.seen ?? ""}`}>
          <Time at={new Date(lastSeen).toISOString()} />
        </span>
      </button>
      {opened && (
        <div className={classes.sample}>
          <Samples {...of} group={group} />
          <Group gap="lg" mt={10}>
            <Text size="sm" c="dimmed">
              {samples.more ? "Among those listed below:" : "Listed below:"} {inNumbers(waiting.length)} to be retried, {inNumbers(over.length)} failed for good.
            </Text>
            <TextLink
              size="sm"
              fw={500}
              to="/p/$project/syncs/$sync/deliveries"
              params={of}
              search={{ reason, ...(status === null ? {} : { status }) }}
            >
              See each attempt
            </TextLink>
            {onReplay !== undefined && (
              <Button
                size="xs"
                leftSection={<IconRepeat size={14} />}
                onClick={() => {
                  onReplay({ reasons: [reason], ...(status === null ? {} : { statuses: [status] }) });
                }}
              >
                Replay these…
              </Button>
            )}
          </Group>
        </div>
      )}
    </div>
  );
}

function isFailureOf(failure: { category: string; status?: number | null }, group: FailureGroup): boolean {
  return group.attempted && failure.category === group.reason && (failure.status ?? null) === group.status;
}

function isOf(ended: Ended, group: FailureGroup): boolean {
  return ended.outcome === "expired" ? isFailureOf(ended.failure, group) : !group.attempted && ended.reason === group.reason;
}

/** When it happened, as a picture without words: the numbers stand beside it. */
function Trend({ values }: { values: number[] }) {
  const highest = Math.max(1, ...values);
  return (
    <svg className={classes.trend} viewBox={`0 0 ${String(values.length * 4)} 20`} preserveAspectRatio="none" aria-hidden="true">
      {values.map((value, index) => (
        <rect key={index} x={index * 4} y={20 - (value / highest) * 20} width={3} height={(value / highest) * 20} fill="var(--ms-failing)" />
      ))}
    </svg>
  );
}

const awaits = ({ failure }: Retry) => failure.category === "awaiting_property";

/** When a delivery is tried again, given what its sync waits for. */
function NextAttempt({ due, status }: { due: string; status: SyncStatus | undefined }) {
  const next = nextAttempt(due, status);
  return "at" in next ? <Time at={next.at} /> : next.when;
}

const retryColumns = (of: { project: string; sync: string }, status: SyncStatus | undefined): Column<Retry>[] => [
  {
    name: "Next attempt",
    whole: true,
    // What a delivery waits for may come at any time; this is when it is given up.
    cell: (each) => (awaits(each) ? "When it is set" : <NextAttempt due={each.due_at} status={status} />),
  },
  { name: "Attempts", whole: true, cell: (each) => <span className="numbers">{awaits(each) && each.attempts === 0 ? "None yet" : `${String(each.attempts)} of 10`}</span> },
  {
    name: "What",
    cell: (each) => (
      <What
        {...each}
        link={(name) => (
          <TextLink to="/p/$project/syncs/$sync/deliveries" params={of} search={{ open: each.offset }} fw={600}>
            {name}
          </TextLink>
        )}
      />
    ),
  },
  { name: "Last error", cell: (each) => <FailureWords failure={each.failure} /> },
];

function endedColumns(of: { project: string; sync: string }, again: ((begin: NonNullable<Replay["failed"]>) => void) | undefined): Column<Ended>[] {
  const actions: Column<Ended> = {
    name: "Actions",
    quiet: true,
    end: true,
    cell: (each) => (
      <Button
        size="xs"
        variant="subtle"
        aria-label={`Replay… ${each.delivery_id}`}
        onClick={() => {
          again?.({ deliveries: [each.delivery_id] });
        }}
      >
        Replay…
      </Button>
    ),
  };
  return [
    { name: "Ended", cell: (each) => <Time at={each.at} /> },
    {
      name: "What",
      cell: (each) => (
        <What
          {...each}
          link={(name) => (
            <TextLink
              to="/p/$project/syncs/$sync/deliveries"
              params={of}
              search={{ open: each.offset, import: each.imported ? (each.replay ?? undefined) : undefined }}
              fw={600}
            >
              {name}
            </TextLink>
          )}
        />
      ),
    },
    { name: "Attempts", cell: (each) => <span className="numbers">{each.attempts}</span> },
    {
      name: "Reason",
      cell: (each) => (each.outcome === "expired" ? <FailureWords failure={each.failure} /> : sentenceCase(each.message)),
    },
    ...(again === undefined ? [] : [actions]),
  ];
}
