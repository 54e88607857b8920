import { SegmentedControl } from "@mantine/core";
import { type Range, RANGES } from "./range";

/** How far back to look. */
export function RangeChoice({ range, onChange }: { range: Range; onChange: (range: Range) => void }) {
  return (
    <SegmentedControl
      size="xs"
      aria-label="Time range"
      value={range}
      data={(Object.keys(RANGES) as Range[]).map((each) => ({ value: each, label: each }))}
      onChange={(value) => {
        onChange(value as Range);
      }}
    />
  );
}
