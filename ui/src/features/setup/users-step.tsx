import { Radio, Stack, Switch } from "@mantine/core";
import type { Schemas } from "@/api/client";
import { problemAt } from "./form";
import { PayloadField } from "./payload";
import { PropertyList } from "./properties";
import { suggestions } from "./property";
import { Step, type StepProps } from "./step";

type Users = Schemas["Users"];

/** Whether users are sent, when, with which properties, and as what. */
export function UsersStep(props: StepProps) {
  const { form, set, destination, problems, observed, disabled } = props;
  const { users } = form;
  const send = users.send ?? false;
  const change = (part: Partial<Users>) => {
    set({ users: { ...users, ...part } });
  };
  const own = users.properties ?? null;
  const without = (field: "template" | "properties"): Users => {
    const others = Object.entries(users).filter(([name]) => name !== field);
    return Object.fromEntries(others);
  };
  return (
    <Step title="Users" about="Send users and their properties with their events, and when an SDK identifies them.">
      <Switch
        label={send ? `Users are sent to ${destination.tile.display_name}` : "Users are not sent"}
        checked={send}
        disabled={disabled}
        onChange={(event) => {
          change({ send: event.currentTarget.checked });
        }}
      />
      {send && (
        <>
          <Radio.Group
            label="When"
            value={users.on ?? "events"}
            onChange={(on) => {
              change({ on: on === "changes" ? "changes" : "events" });
            }}
          >
            <Stack gap={8} mt={8}>
              <Radio
                value="events"
                disabled={disabled}
                label="With every event"
                description="Also each time a user is identified."
              />
              <Radio
                value="changes"
                disabled={disabled}
                label="When properties change"
                description="A property that is sent or mapped, or a group."
              />
            </Stack>
          </Radio.Group>
          <Switch
            label="Select user properties separately"
            description="Otherwise users are sent with the same properties as events."
            checked={own !== null}
            disabled={disabled}
            onChange={(event) => {
              if (event.currentTarget.checked) change({ properties: { list: [], choice: "only" } });
              else set({ users: without("properties") });
            }}
          />
          {own !== null && (
            <>
              <Radio.Group
                label="Which user properties are sent"
                value={own.choice ?? "only"}
                onChange={(choice) => {
                  change({ properties: { ...own, choice: choice === "only" ? "only" : "all_but" } });
                }}
              >
                <Stack gap={8} mt={8}>
                  <Radio value="only" label="Only these" disabled={disabled} />
                  <Radio value="all_but" label="All except these" disabled={disabled} />
                </Stack>
              </Radio.Group>
              <PropertyList
                list={own.list ?? []}
                suggestions={suggestions(observed).filter(({ property: { scope } }) => scope === "user" || scope === "group")}
                disabled={disabled}
                error={problemAt(problems, "/users/properties")}
                empty={own.choice === "all_but" ? "All properties are sent." : "No properties are sent."}
                onChange={(list) => {
                  change({ properties: { ...own, list } });
                }}
              />
            </>
          )}
          {destination.own_templates && (
            <PayloadField
              {...props}
              label="Payload of users"
              template={users.template ?? null}
              pointer="/users/template"
              problems={problems}
              onChange={(template) => {
                if (template === null) set({ users: without("template") });
                else change({ template });
              }}
            />
          )}
        </>
      )}
    </Step>
  );
}
