import { Tooltip } from "@mantine/core";
import { useEffect, useState } from "react";
import { absolute, relative } from "./time";

/** A time, relative; the absolute one in the viewer's zone on pointing and to screen readers. */
export function Time({ at }: { at: string }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const ticking = setInterval(() => {
      setNow(Date.now());
    }, 10_000);
    return () => {
      clearInterval(ticking);
    };
  }, []);
  const full = absolute(at);
  return (
    <Tooltip label={full}>
      <time dateTime={at} className="numbers" style={{ whiteSpace: "nowrap" }}>
        {relative(at, now)}
      </time>
    </Tooltip>
  );
}
