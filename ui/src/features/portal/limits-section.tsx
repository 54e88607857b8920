import { NumberInput, Switch } from "@mantine/core";
import type { Schemas } from "@/api/client";
import { Section } from "@/components/page";
import { problemAt, type TabProps } from "./shared";
import classes from "./editor.module.css";

type Limit = keyof Schemas["Limits"];

const LIMITS: Record<Limit, { label: string; about: string }> = {
  body_bytes: { label: "Maximum body size, in bytes", about: "Larger ones are not sent." },
  concurrency: { label: "Concurrent requests", about: "How many the destination accepts at a time." },
  requests_per_minute: { label: "Requests per minute", about: "The rest waits. Retries count, too." },
  event_types: { label: "Event types", about: "How many a sync may select." },
  properties_per_event: { label: "Properties per event", about: "How many are sent with one." },
  properties_per_user: { label: "Properties per user", about: "How many are sent with one." },
  identifier_bytes: { label: "Maximum identifier size, in bytes", about: "Of required mappings." },
};

/** What the destination can take, and whether properties keep their types. */
export function LimitsSection({ draft, may, check }: TabProps) {
  const { limits, typed_properties } = draft.content;
  return (
    <Section title="Limits" about="What the destination accepts. Leave empty for no limit.">
      <div className={classes.fields}>
        <div className={classes.grid}>
          {(Object.keys(LIMITS) as Limit[]).map((limit) => (
            <NumberInput
              key={limit}
              label={LIMITS[limit].label}
              description={LIMITS[limit].about}
              min={1}
              allowDecimal={false}
              disabled={!may}
              value={limits[limit] ?? ""}
              error={problemAt(check, `/limits/${limit}`)}
              onChange={(value) => {
                draft.change({ limits: { ...limits, [limit]: typeof value === "number" ? value : null } });
              }}
            />
          ))}
        </div>
        <Switch
          label="Preserve property types"
          description="Otherwise selected properties are sent as text."
          disabled={!may}
          checked={typed_properties}
          onChange={(event) => {
            draft.change({ typed_properties: event.currentTarget.checked });
          }}
        />
      </div>
    </Section>
  );
}
