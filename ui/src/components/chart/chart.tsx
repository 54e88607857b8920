import { ActionIcon, Group, Text, Tooltip } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { IconChartBar, IconTable } from "@tabler/icons-react";
import { type KeyboardEvent, type PointerEvent, type ReactNode, useState } from "react";
import { DataTable } from "../table";
import { parts, type Span, ticks, timeMark, timeMarks } from "./scale";
import classes from "./chart.module.css";

/** Something that is counted or measured over time. */
export interface Series {
  name: string;
  /** One for each part of the span; null: nothing was measured. */
  values: (number | null)[];
  /** Its look: tone and texture differ, so that no eye needs the colour alone. */
  tone: "accent" | "soft" | "second" | "bad" | "quiet";
  /** Columns stand on the axis, or hang from it; lines are drawn over them. */
  as: "up" | "down" | "line";
}

export interface ChartProps {
  /** What it shows, to screen readers and above the table. */
  label: string;
  span: Span;
  series: Series[];
  /** A value in words. */
  format: (value: number) => string;
  /** What of a series stands in the head while nothing is pointed at, such as its sum. */
  summary: (series: Series) => number | null;
  height?: number;
  children?: ReactNode;
}

const LEFT = 52;
const BOTTOM = 22;
const TOP = 8;

/** Columns and lines over time: read by pointing, by arrow keys, or as a table. */
export function Chart({ label, span, series, format, summary, height = 220, children }: ChartProps) {
  const { ref, width } = useElementSize();
  const [at, setAt] = useState<number>();
  const [tabled, setTabled] = useState(false);
  const begins = parts(span);
  const pointed = at === undefined ? undefined : Math.min(at, begins.length - 1);
  const begin = pointed === undefined ? undefined : begins[pointed];
  return (
    <figure className={classes.figure} aria-label={label}>
      <Group justify="space-between" align="flex-start" gap="sm" mb={6}>
        <dl className={classes.head}>
          {series.map((each) => {
            const value = pointed === undefined ? summary(each) : (each.values[pointed] ?? null);
            return (
              <div key={each.name}>
                <dt>
                  <Swatch series={each} />
                  {each.name}
                </dt>
                <dd className="numbers">{value === null ? "–" : format(value)}</dd>
              </div>
            );
          })}
        </dl>
        <Group gap={6} className={classes.choices ?? ""}>
          {children}
          <Tooltip label={tabled ? "As a chart" : "As a table"}>
            <ActionIcon
              size={30}
              aria-label={tabled ? "As a chart" : "As a table"}
              onClick={() => {
                setTabled(!tabled);
              }}
            >
              {tabled ? <IconChartBar size={16} stroke={1.6} /> : <IconTable size={16} stroke={1.6} />}
            </ActionIcon>
          </Tooltip>
        </Group>
      </Group>
      <Text size="xs" c="dimmed" aria-live="polite" mih={18}>
        {begin === undefined ? "" : spanInWords(begin, span)}
      </Text>
      {tabled ? (
        <div className={classes.table} tabIndex={0} role="region" aria-label={`${label}, as a table`}>
          <DataTable
            label={label}
            rows={begins.map((time, index) => ({ time, index })).reverse()}
            keyOf={({ time }) => String(time)}
            columns={[
              { name: "From", cell: ({ time }) => moment(time) },
              ...series.map((each) => ({
                name: each.name,
                end: true,
                cell: ({ index }: { index: number }) => {
                  const value = each.values[index] ?? null;
                  return value === null ? "–" : format(value);
                },
              })),
            ]}
          />
        </div>
      ) : (
        <div ref={ref} style={{ height }}>
          {width > 0 && (
            <Drawing
              label={label}
              span={span}
              series={series}
              format={format}
              width={width}
              height={height}
              at={pointed}
              onPoint={setAt}
            />
          )}
        </div>
      )}
    </figure>
  );
}

interface DrawingProps extends Pick<ChartProps, "label" | "span" | "series" | "format"> {
  width: number;
  height: number;
  at: number | undefined;
  onPoint: (at: number | undefined) => void;
}

function Drawing({ label, span, series, format, width, height, at, onPoint }: DrawingProps) {
  const count = parts(span).length;
  const room = { width: Math.max(1, width - LEFT - 4), height: height - TOP - BOTTOM };
  const up = stacked(series.filter((each) => each.as === "up"), count);
  const down = stacked(series.filter((each) => each.as === "down"), count);
  const lines = series.filter((each) => each.as === "line");
  const highest = Math.max(0, ...up.tops, ...lines.flatMap((line) => line.values.map((value) => value ?? 0)));
  const lowest = Math.max(0, ...down.tops);
  // Both halves of a mirrored chart have one scale: what comes in is compared with what goes out.
  const mirrored = down.columns.length > 0;
  const whole = series.every((each) => each.values.every((value) => value === null || Number.isInteger(value)));
  const marks = ticks(Math.max(highest, lowest), whole);
  const most = marks.at(-1) ?? 1;
  const half = mirrored ? room.height / 2 : room.height;
  const zero = TOP + half;
  const y = (value: number) => zero - (value / most) * half;
  const slot = room.width / count;
  const gap = slot > 5 ? 1.5 : slot > 3 ? 0.75 : 0;
  const x = (index: number) => LEFT + index * slot;
  const point = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const index = Math.floor((event.clientX - box.left - LEFT) / slot);
    onPoint(index >= 0 && index < count ? index : undefined);
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (event.key === "Escape") onPoint(undefined);
    else if (event.key === "Home") onPoint(0);
    else if (event.key === "End") onPoint(count - 1);
    else if (step !== undefined) onPoint(Math.min(count - 1, Math.max(0, (at ?? count - 1) + step)));
    else return;
    event.preventDefault();
  };
  // A scale of nothing says nothing.
  const nothing = series.every((each) => each.values.every((value) => value === null || value === 0));
  const grid = nothing ? [0] : mirrored ? [...marks.slice(1).map((mark) => -mark).reverse(), ...marks] : marks;
  return (
    <svg
      width={width}
      height={height}
      className={classes.drawing}
      // A slider in time: arrows move along it, and what is pointed at is said.
      role="slider"
      tabIndex={0}
      aria-label={`${label}. Arrow keys move in time`}
      aria-valuemin={0}
      aria-valuemax={count - 1}
      aria-valuenow={at ?? count - 1}
      aria-valuetext={inWords(series, at ?? count - 1, span, format)}
      onPointerMove={point}
      onPointerDown={point}
      onPointerLeave={() => {
        onPoint(undefined);
      }}
      onKeyDown={press}
      onBlur={() => {
        onPoint(undefined);
      }}
    >
      <defs>
        <pattern id="ms-hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="5" height="5" className={classes.hatchGround} />
          <rect width="2.2" height="5" className={classes.hatchLine} />
        </pattern>
      </defs>
      {grid.map((mark) => (
        <g key={mark}>
          <line x1={LEFT} x2={width - 4} y1={y(mark)} y2={y(mark)} className={mark === 0 ? classes.axis : classes.grid} />
          {!nothing && (!mirrored || mark === 0 || Math.abs(mark) === most || room.height > 180) && (
            <text x={LEFT - 8} y={y(mark) + 4} className={classes.mark} textAnchor="end">
              {format(Math.abs(mark))}
            </text>
          )}
        </g>
      ))}
      {timeMarks(span, Math.max(2, Math.floor(room.width / 90))).map((time) => {
        const place = LEFT + ((time - span.from) / (span.until - span.from)) * room.width;
        return (
          <text key={time} x={place} y={height - 5} className={classes.mark} textAnchor={place < LEFT + 20 ? "start" : "middle"}>
            {timeMark(time, span)}
          </text>
        );
      })}
      {[...up.columns, ...down.columns].map(({ series: each, from, to }) => {
        const sign = each.as === "down" ? -1 : 1;
        return (
          <path
            key={each.name}
            className={classes[each.tone]}
            d={to
              .map((top, index) => {
                const bottom = from[index] ?? 0;
                if (top === bottom) return "";
                const [high, low] = [y(sign * top), y(sign * bottom)];
                // What is there is seen, be it ever so little.
                const tall = Math.max(Math.abs(low - high), 1);
                return `M${x(index).toFixed(1)} ${Math.min(high, low).toFixed(1)}h${(slot - gap).toFixed(2)}v${tall.toFixed(1)}h-${(slot - gap).toFixed(2)}z`;
              })
              .join("")}
          />
        );
      })}
      {lines.map((line) => (
        <g key={line.name}>
          <path className={`${classes.line ?? ""} ${classes[`${line.tone}Line`] ?? ""}`} d={lineOf(line.values, (index) => x(index) + slot / 2, y)} />
          {line.values.map(
            (value, index) =>
              value !== null &&
              isAlone(line.values, index) && (
                <circle key={index} cx={x(index) + slot / 2} cy={y(value)} r={2.25} className={`${classes.lone ?? ""} ${classes[`${line.tone}Line`] ?? ""}`} />
              ),
          )}
        </g>
      ))}
      {nothing && (
        <text x={LEFT + room.width / 2} y={TOP + room.height / 2 + (mirrored ? -12 : 4)} className={classes.nothing} textAnchor="middle">
          Nothing in this time
        </text>
      )}
      {at !== undefined && (
        <rect x={x(at)} y={TOP} width={Math.max(1, slot - gap)} height={room.height} className={classes.pointed} />
      )}
    </svg>
  );
}

interface Stack {
  columns: { series: Series; from: number[]; to: number[] }[];
  tops: number[];
}

/** Columns on each other: each begins where the one before ends. */
function stacked(series: Series[], count: number): Stack {
  let tops = Array.from({ length: count }, () => 0);
  const columns = series.map((each) => {
    const from = tops;
    tops = from.map((base, index) => base + (each.values[index] ?? 0));
    return { series: each, from, to: tops };
  });
  return { columns, tops };
}

/** Whether nothing was measured before and after: a line has no length there. */
function isAlone(values: (number | null)[], index: number): boolean {
  return (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null;
}

/** A line through what was measured, with gaps where nothing was; single points are drawn beside it. */
function lineOf(values: (number | null)[], x: (index: number) => number, y: (value: number) => number): string {
  let drawing = "";
  let on = false;
  for (const [index, value] of values.entries()) {
    if (value === null) {
      on = false;
      continue;
    }
    const place = `${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    drawing += `${on ? "L" : "M"}${place}`;
    on = true;
  }
  return drawing;
}

function Swatch({ series }: { series: Series }) {
  return (
    <svg width="12" height="12" aria-hidden="true">
      {series.as === "line" ? (
        <path d="M0 6h12" className={`${classes.line ?? ""} ${classes[`${series.tone}Line`] ?? ""}`} />
      ) : (
        <rect width="12" height="12" rx="2" className={classes[series.tone]} />
      )}
    </svg>
  );
}

function moment(at: number): string {
  return new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" }).format(at);
}

function spanInWords(begin: number, { part }: Span): string {
  const end = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" }).format(begin + part);
  return `${moment(begin)} to ${end}`;
}

function inWords(series: Series[], index: number, span: Span, format: (value: number) => string): string {
  const begin = parts(span)[index] ?? span.from;
  const said = series.map((each) => {
    const value = each.values[index] ?? null;
    return `${each.name} ${value === null ? "nothing" : format(value)}`;
  });
  return `${spanInWords(begin, span)}: ${said.join(", ")}`;
}
