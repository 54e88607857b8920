import { Group, Text } from "@mantine/core";
import { IconCircleCheck, IconRocket, IconRoute } from "@tabler/icons-react";
import { useQueries, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Absent } from "@/components/absent";
import { Chart } from "@/components/chart/chart";
import { HealthMark } from "@/components/health";
import { ButtonLink, TextLink } from "@/components/links";
import { Page, Section } from "@/components/page";
import { Empty, LoadingRows } from "@/components/states";
import { useMay } from "@/features/access/me";
import { projectQuery } from "@/features/shell/projects";
import { SyncLogo } from "@/features/syncs/logo";
import { statusQuery, type Sync, type SyncStatus, syncsQuery } from "@/features/syncs/queries";
import { inWords } from "@/features/syncs/words";
import { type Counted, counted, delivered, failedOf, figuresQuery, inNumbers, inRate, rateOf, sumOf } from "./figures";
import { FIRST_RANGE, RANGES } from "./range";
import { RangeChoice } from "./range-choice";
import classes from "./overview.module.css";

const route = getRouteApi("/shell/p/$project/");

/** A project at a glance: what flows in and out, how each sync does, and what needs somebody. */
export function OverviewPage() {
  const { project } = route.useParams();
  const { name, organisation } = useSuspenseQuery(projectQuery(project)).data;
  const syncs = useQuery(syncsQuery(project));
  const looks = useMay(organisation, "syncs:read");
  return (
    <Page title="Overview" about={name}>
      {looks && <Flow project={project} />}
      {syncs.data === undefined && <Absent query={syncs} failed="Syncs can't be shown" rows={3} height={56} />}
      {syncs.data !== undefined && <Syncs project={project} syncs={syncs.data.items} />}
    </Page>
  );
}

/** What comes in above the line, what goes out below it. */
function Flow({ project }: { project: string }) {
  const { range = FIRST_RANGE } = route.useSearch();
  const navigate = route.useNavigate();
  const figures = useQuery(figuresQuery(project, null, range));
  const lately = useQuery(figuresQuery(project, null, "1h"));
  if (figures.data === undefined) return <Absent query={figures} failed="Figures can't be shown" rows={1} height={340} />;
  const series = [
    counted(figures.data, "Received", { tone: "soft", as: "up" }, (step) => step.received),
    counted(figures.data, "Delivered", { tone: "accent", as: "down" }, (step) => step.delivered_first),
    counted(figures.data, "Delivered after retries", { tone: "second", as: "down" }, (step) => step.delivered_retry),
    counted(figures.data, "Failed", { tone: "bad", as: "down" }, failedOf),
  ];
  return (
    <>
      {lately.data !== undefined && <Rates lately={lately.data} />}
      <Chart
        label={`Events received and delivered in ${RANGES[range].words}`}
        span={figures.data.span}
        series={series}
        format={inNumbers}
        summary={sumOf}
        height={280}
      >
        <RangeChoice
          range={range}
          onChange={(next) => void navigate({ search: { range: next }, replace: true })}
        />
      </Chart>
      <Text size="xs" c="dimmed" mt={6}>
        In {RANGES[range].words}: events received above the line; below it deliveries, one for each sync that an event
        goes to.
      </Text>
    </>
  );
}

function Rates({ lately: { figures } }: { lately: Counted }) {
  const now = Date.parse(figures.until);
  const { p50, p95 } = figures.totals.latency_seconds;
  const rates: [string, string, string][] = [
    ["Received", inRate(rateOf(figures, now, (step) => step.received)), "events, over the last minute"],
    ["Delivered", inRate(rateOf(figures, now, delivered)), "deliveries, over the last minute"],
    [
      "Median latency",
      p50 == null ? "–" : seconds(p50),
      p95 == null ? "no deliveries in the last hour" : `p95 ${seconds(p95)}, in the last hour`,
    ],
  ];
  return (
    <dl className={classes.rates} aria-label="Now">
      {rates.map(([name, value, about]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className={`${classes.rate ?? ""} numbers`}>{value}</dd>
          <dd className={classes.about}>{about}</dd>
        </div>
      ))}
    </dl>
  );
}

function seconds(value: number): string {
  return value < 1 ? `${String(Math.max(1, Math.round(value * 1000)))} ms` : `${value.toFixed(1)} s`;
}

/** How many syncs are asked how they do: enabled ones come first. */
const MOST = 100;

function Syncs({ project, syncs: all }: { project: string; syncs: Sync[] }) {
  const syncs = [...all.filter(({ enabled }) => enabled), ...all.filter(({ enabled }) => !enabled)].slice(0, MOST);
  const unasked = all.filter(({ enabled }) => enabled).length > MOST;
  const answers = useQueries({ queries: syncs.map((sync) => statusQuery(sync.project, sync.id)) });
  const known = syncs.flatMap((sync, index) => {
    const status = answers[index]?.data;
    return status === undefined ? [] : [{ sync, status }];
  });
  const troubled = known.filter(({ status }) => needsSomebody(status));
  if (syncs.length === 0) {
    return (
      <div style={{ marginTop: 32 }}>
        <Empty
          icon={<IconRoute size={22} />}
          title="No destination connected yet"
          action={
            <Group>
              <ButtonLink to="/p/$project/catalog" params={{ project }}>
                Connect a destination
              </ButtonLink>
              <ButtonLink variant="default" leftSection={<IconRocket size={15} />} to="/p/$project/start" params={{ project }}>
                Send events
              </ButtonLink>
            </Group>
          }
        >
          Connect one, and events are streamed to it as they arrive.
        </Empty>
      </div>
    );
  }
  const calm = known.filter((each) => !troubled.includes(each));
  return (
    <>
      <Section title="Needs attention">
        {troubled.length === 0 && answers.some(({ isPending }) => isPending) ? (
          <LoadingRows rows={1} height={84} />
        ) : troubled.length === 0 ? (
          <p className={classes.calm}>
            <IconCircleCheck size={18} color="var(--ms-healthy)" aria-hidden />{" "}
            {unasked ? `Nothing: the first ${inNumbers(MOST)} enabled syncs deliver.` : "Nothing: every enabled sync delivers."}
          </p>
        ) : (
          <Cards each={troubled} />
        )}
      </Section>
      {calm.length > 0 && (
        <Section
          title="Syncs"
          actions={
            <TextLink to="/p/$project/syncs" params={{ project }} size="sm">
              All syncs
            </TextLink>
          }
        >
          <Cards each={calm.slice(0, 12)} />
        </Section>
      )}
    </>
  );
}

/** Whether a sync waits for somebody: one that was paused on purpose doesn't. */
function needsSomebody({ health }: SyncStatus): boolean {
  return health !== "healthy" && health !== "paused";
}

function Cards({ each }: { each: { sync: Sync; status: SyncStatus }[] }) {
  return (
    <ul className={classes.cards}>
      {each.map(({ sync, status }) => (
        <li key={sync.id}>
          <Link to="/p/$project/syncs/$sync" params={{ project: sync.project, sync: sync.id }} className={classes.card}>
            <SyncLogo sync={sync} size={34} />
            <span className={classes.words}>
              <span className={classes.name}>{sync.name}</span>
              <span className={classes.about}>{inWords(status)}</span>
            </span>
            <HealthMark status={status} />
          </Link>
        </li>
      ))}
    </ul>
  );
}
