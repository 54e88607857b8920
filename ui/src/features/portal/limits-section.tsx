import { NumberInput, Switch } from "@mantine/core";
import { Section } from "@/components/page";
import { type Limit, LIMITS } from "./limits";
import { problemAt, type TabProps } from "./shared";
import classes from "./editor.module.css";

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
