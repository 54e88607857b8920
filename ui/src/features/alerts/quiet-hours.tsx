import { Select, Switch, Text, TextInput } from "@mantine/core";
import type { ProblemError, Schemas } from "@/api/client";
import { quietWords, zones } from "./zones";
import classes from "./rules.module.css";

type Hours = Schemas["AlertQuietHours"];

interface QuietProps {
  hours: Hours | null;
  may: boolean;
  problem: ProblemError | undefined;
  onChange: (hours: Hours | null) => void;
}

/** The time of each day at which nobody is told: what is still wrong at its end is told then. */
export function QuietHours({ hours, may, problem, onChange }: QuietProps) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <div role="group" aria-label="Quiet hours">
      <Switch
        label="Quiet hours"
        description="No notifications are sent. Incidents that are still open at the end are sent then."
        disabled={!may}
        checked={hours !== null}
        onChange={(event) => {
          onChange(event.currentTarget.checked ? { from: "22:00", until: "07:00", time_zone: own } : null);
        }}
      />
      {hours !== null && (
        <>
          <div className={classes.times}>
            <TextInput
              type="time"
              label="From"
              w={120}
              required
              withAsterisk={false}
              disabled={!may}
              value={hours.from}
              onChange={(event) => {
                onChange({ ...hours, from: event.currentTarget.value });
              }}
            />
            <TextInput
              type="time"
              label="Until"
              w={120}
              required
              withAsterisk={false}
              disabled={!may}
              value={hours.until}
              onChange={(event) => {
                onChange({ ...hours, until: event.currentTarget.value });
              }}
            />
            <Select
              label="Time zone"
              w={{ base: "100%", xs: 260 }}
              searchable
              disabled={!may}
              data={zones(hours.time_zone)}
              limit={50}
              value={hours.time_zone}
              error={problem?.at("/quiet_hours/time_zone")}
              onChange={(time_zone) => {
                if (time_zone !== null) onChange({ ...hours, time_zone });
              }}
            />
          </div>
          {problem?.at("/quiet_hours") !== undefined && (
            <Text size="sm" c="var(--mantine-color-error)" mt={6}>
              {problem.at("/quiet_hours")}
            </Text>
          )}
          <Text size="sm" c="dimmed" mt={8}>
            {quietWords(hours)}
          </Text>
        </>
      )}
    </div>
  );
}
