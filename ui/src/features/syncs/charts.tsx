import { Group, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Absent } from "@/components/absent";
import { Chart, type ChartProps } from "@/components/chart/chart";
import { type Counted, counted, failedOf, highestOf, inNumbers, inSeconds, letGo, measured, sumOf } from "@/features/overview/figures";
import { FIRST_RANGE, RANGES } from "@/features/overview/range";
import { RangeChoice } from "@/features/overview/range-choice";
import { overTimeQuery } from "./backlog";
import type { Sync } from "./queries";
import classes from "./overview.module.css";

const route = getRouteApi("/shell/p/$project/syncs/$sync/");

/** What became of deliveries, how long they took, and what waited, over time. */
export function Charts({ sync }: { sync: Sync }) {
  const { range = FIRST_RANGE } = route.useSearch();
  const navigate = route.useNavigate();
  const figures = useQuery({ ...overTimeQuery(sync, range), placeholderData: keepPreviousData });
  if (figures.data === undefined) return <Absent query={figures} failed="Figures can't be shown" rows={1} height={300} />;
  const { data } = figures;
  const { span } = data;
  const { words } = RANGES[range];
  const { p50, p95 } = data.figures.totals.latency_seconds;
  const gone = letGo(data);
  const charts: Shown[] = [
    {
      label: `Deliveries in ${words}`,
      main: true,
      series: [
        counted(data, "Delivered", { tone: "accent", as: "up" }, (step) => step.delivered_first),
        counted(data, "Delivered after retries", { tone: "second", as: "up" }, (step) => step.delivered_retry),
        counted(data, "Failed", { tone: "bad", as: "up" }, failedOf),
      ],
      format: inNumbers,
      summary: sumOf,
    },
    {
      label: `From received to delivered, in ${words}`,
      series: [
        measured(data, "Median", "accent", (step) => step.latency_seconds.p50 ?? null),
        measured(data, "p95", "second", (step) => step.latency_seconds.p95 ?? null),
      ],
      format: inSeconds,
      summary: (series) => (series.name === "Median" ? (p50 ?? null) : (p95 ?? null)),
    },
    {
      label: `Failed attempts and what waited for another one, in ${words}`,
      series: [
        counted(data, "Failed attempts", { tone: "bad", as: "up" }, (step) => step.failed_attempts),
        measured(data, "Pending retries, at most", "quiet", (step) => step.pending),
        ...waitingInOrder(data),
      ],
      format: inNumbers,
      summary: (series) => (series.as === "line" ? highestOf(series) : sumOf(series)),
    },
    ...(gone.length > 0
      ? [{ label: `Received and not sent in ${words}`, main: true, series: gone, format: inNumbers, summary: sumOf }]
      : []),
    {
      label: `Backlog in ${words}`,
      main: true,
      series: [{ name: "Backlog", tone: "accent" as const, as: "line" as const, values: data.backlog }],
      format: inNumbers,
      summary: (series) => series.values.at(-1) ?? null,
    },
  ];
  // What there is something to see of comes first; the others are small.
  const [full, empty] = [charts.filter(isSeen), charts.filter((each) => !isSeen(each))];
  return (
    <>
      <Group justify="flex-end" mt="lg" mb={-8}>
        <RangeChoice range={range} onChange={(next) => void navigate({ search: { range: next }, replace: true })} />
      </Group>
      <div className={classes.charts}>
        {[...full, ...empty].map((each, index) => {
          const seen = index < full.length;
          const { main = false, ...chart } = each;
          return (
            <div key={each.label} className={seen && (main || index === 0) ? (classes.main ?? "") : ""}>
              <Chart {...chart} span={span} height={!seen ? EMPTY : index === 0 ? FIRST : LATER} />
            </div>
          );
        })}
        <Text size="xs" c="dimmed" className={classes.main}>
          In {words}. Failed attempts are retried: up to ten attempts over four hours. The backlog is what was received and not looked at
          yet, whether it will be sent or filtered out.
        </Text>
      </div>
    </>
  );
}

/** How high charts are: the first that shows something, the next ones, and those that show nothing. */
const [FIRST, LATER, EMPTY] = [220, 150, 64];

interface Shown extends Pick<ChartProps, "label" | "series" | "format" | "summary"> {
  /** Over the whole width where it shows something. */
  main?: boolean;
}

/** Whether there is anything to see in a chart. */
function isSeen({ series }: Shown): boolean {
  return series.some((each) => each.values.some((value) => value !== null && value !== 0));
}

/** Deliveries that waited for an earlier one of their user, where there were any. */
function waitingInOrder(data: Counted) {
  const waiting = measured(data, "Waiting in order, at most", "second", (step) => step.waiting_in_order);
  return (highestOf(waiting) ?? 0) > 0 ? [waiting] : [];
}
