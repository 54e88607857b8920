import { Group, Text } from "@mantine/core";
import { IconCircleCheck, IconRocket, IconRoute } from "@tabler/icons-react";
import { useQueries, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Absent } from "@/components/absent";
import { Chart } from "@/components/chart/chart";
import { HealthMark } from "@/components/health";
import { Logo } from "@/components/logo";
import { ButtonLink, TextLink } from "@/components/links";
import { Page, Section } from "@/components/page";
import { Empty } from "@/components/states";
import { useMay } from "@/features/access/me";
import { projectQuery } from "@/features/shell/projects";
import { SyncLogo } from "@/features/syncs/logo";
import { projectHealthQuery, statusQuery, type Sync, type SyncStatus, syncsQuery } from "@/features/syncs/queries";
import { inWords, reasonInWords } from "@/features/syncs/words";
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

/** How many of those that need nobody are shown: enabled ones come first. */
const CALM = 12;

function Syncs({ project, syncs: all }: { project: string; syncs: Sync[] }) {
  const health = useQuery(projectHealthQuery(project));
  if (all.length === 0) return <NoSyncs project={project} />;
  if (health.data === undefined) return <Absent query={health} failed="What needs attention can't be shown" rows={1} height={84} />;
  const { troubled, counts, complete } = health.data;
  const wrong = new Set(troubled.map(({ sync }) => sync));
  const calm = [...all.filter(({ enabled }) => enabled), ...all.filter(({ enabled }) => !enabled)].filter(({ id }) => !wrong.has(id));
  const untold = counts.degraded + counts.failing + counts.misconfigured + counts.stalled - troubled.length;
  return (
    <>
      <Section title="Needs attention">
        {troubled.length === 0 ? (
          <p className={classes.calm}>
            <IconCircleCheck size={18} color="var(--ms-healthy)" aria-hidden />{" "}
            {complete ? "Nothing: every enabled sync delivers." : "Nothing, among the first 20,000 syncs."}
          </p>
        ) : (
          <ul className={classes.cards} aria-label="Needs attention">
            {troubled.map((each) => (
              <li key={each.sync}>
                <Card project={project} id={each.sync} name={each.name} sync={all.find(({ id }) => id === each.sync)} words={reasonInWords(each.reason)} status={each} />
              </li>
            ))}
          </ul>
        )}
        {untold > 0 && (
          <Text c="dimmed" mt="sm">
            The worst {inNumbers(troubled.length)} are shown; {inNumbers(untold)} more need attention.
          </Text>
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
          <Calm syncs={calm.slice(0, CALM)} />
        </Section>
      )}
    </>
  );
}

function NoSyncs({ project }: { project: string }) {
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

/** Syncs that need nobody, each with what it does. */
function Calm({ syncs }: { syncs: Sync[] }) {
  const answers = useQueries({ queries: syncs.map((sync) => statusQuery(sync.project, sync.id)) });
  return (
    <ul className={classes.cards}>
      {syncs.map((sync, index) => {
        const status = answers[index]?.data;
        return (
          <li key={sync.id}>
            <Card project={sync.project} id={sync.id} name={sync.name} sync={sync} words={status === undefined ? "…" : inWords(status)} status={status} />
          </li>
        );
      })}
    </ul>
  );
}

interface CardProps {
  project: string;
  id: string;
  name: string;
  /** Unknown beyond those that the page holds. */
  sync: Sync | undefined;
  words: string;
  status: { health: SyncStatus["health"]; never_enabled?: boolean } | undefined;
}

function Card({ project, id, name, sync, words, status }: CardProps) {
  return (
    <Link to="/p/$project/syncs/$sync" params={{ project, sync: id }} className={classes.card}>
      {sync === undefined ? <Logo name={name} logo={null} size={34} /> : <SyncLogo sync={sync} size={34} />}
      <span className={classes.words}>
        <span className={classes.name}>{name}</span>
        <span className={classes.about}>{words}</span>
      </span>
      {status !== undefined && <HealthMark status={status} />}
    </Link>
  );
}
