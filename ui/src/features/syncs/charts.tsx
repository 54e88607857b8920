import { Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Chart } from "@/components/chart/chart";
import { Failed, LoadingRows } from "@/components/states";
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
  if (figures.isError) {
    return <Failed error={figures.error} what="Figures can't be shown" again={() => void figures.refetch()} />;
  }
  if (figures.data === undefined) return <LoadingRows rows={1} height={300} />;
  const { data } = figures;
  const { span } = data;
  const { words } = RANGES[range];
  const { p50, p95 } = data.figures.totals.latency_seconds;
  const gone = letGo(data);
  return (
    <div className={classes.charts}>
      <div className={classes.main}>
        <Chart
          label={`Deliveries in ${words}`}
          span={span}
          series={[
            counted(data, "Delivered", { tone: "accent", as: "up" }, (step) => step.delivered_first),
            counted(data, "Delivered after retries", { tone: "second", as: "up" }, (step) => step.delivered_retry),
            counted(data, "Failed", { tone: "bad", as: "up" }, failedOf),
          ]}
          format={inNumbers}
          summary={sumOf}
        >
          <RangeChoice range={range} onChange={(next) => void navigate({ search: { range: next }, replace: true })} />
        </Chart>
      </div>
      <Chart
        label={`From received to delivered, in ${words}`}
        span={span}
        height={150}
        series={[
          measured(data, "Median", "accent", (step) => step.latency_seconds.p50 ?? null),
          measured(data, "p95", "second", (step) => step.latency_seconds.p95 ?? null),
        ]}
        format={inSeconds}
        summary={(series) => (series.name === "Median" ? (p50 ?? null) : (p95 ?? null))}
      />
      <Chart
        label={`Failed attempts and what waited for another one, in ${words}`}
        span={span}
        height={150}
        series={[
          counted(data, "Failed attempts", { tone: "bad", as: "up" }, (step) => step.failed_attempts),
          measured(data, "Pending retries, at most", "quiet", (step) => step.pending),
          ...waitingInOrder(data),
        ]}
        format={inNumbers}
        summary={(series) => (series.as === "line" ? highestOf(series) : sumOf(series))}
      />
      {gone.length > 0 && (
        <div className={classes.main}>
          <Chart label={`Received and not sent in ${words}`} span={span} height={150} series={gone} format={inNumbers} summary={sumOf} />
        </div>
      )}
      <div className={classes.main}>
        <Chart
          label={`Backlog in ${words}`}
          span={span}
          height={150}
          series={[{ name: "Backlog", tone: "accent", as: "line", values: data.backlog }]}
          format={inNumbers}
          summary={(series) => series.values.at(-1) ?? null}
        />
      </div>
      <Text size="xs" c="dimmed" className={classes.main}>
        In {words}. Failed attempts are retried: up to ten attempts over four hours. The backlog is what was received and not looked at
        yet, whether it will be sent or filtered out.
      </Text>
    </div>
  );
}

/** Deliveries that waited for an earlier one of their user, where there were any. */
function waitingInOrder(data: Counted) {
  const waiting = measured(data, "Waiting in order, at most", "second", (step) => step.waiting_in_order);
  return (highestOf(waiting) ?? 0) > 0 ? [waiting] : [];
}
