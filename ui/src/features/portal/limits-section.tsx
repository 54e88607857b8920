import { NumberInput, Switch } from "@mantine/core";
import type { Schemas } from "@/api/client";
import { Section } from "@/components/page";
import { problemAt, type TabProps } from "./shared";
import classes from "./editor.module.css";

type Limit = keyof Schemas["Limits"];

const LIMITS: Record<Limit, { label: string; about: string }> = {
  body_bytes: { label: "Longest body, in bytes", about: "A longer one is not sent." },
  concurrency: { label: "Requests at once", about: "As many as the destination takes." },
  requests_per_minute: { label: "Requests a minute", about: "What is more waits. Every try counts." },
  event_types: { label: "Types of events", about: "How many a sync may choose." },
  properties_per_event: { label: "Properties per event", about: "How many go along with one." },
  properties_per_user: { label: "Properties per user", about: "How many go along with one." },
  identifier_bytes: { label: "Longest identifier, in bytes", about: "Of mappings that are required." },
};

/** What the destination can take, and whether properties keep their types. */
export function LimitsSection({ draft, may, check }: TabProps) {
  const { limits, typed_properties } = draft.content;
  return (
    <Section title="Limits" about="What the destination can take. Empty: no limit of its own.">
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
          label="Properties keep their types"
          description="Otherwise those that users select are sent as text."
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
