import { NumberInput, Select, Switch, Textarea } from "@mantine/core";
import { problemAt, WAIT_SECONDS } from "./form";
import { Step, type StepProps } from "./step";

/** What most syncs leave as it is. */
export function AdvancedStep({ form, set, problems, disabled }: StepProps) {
  return (
    <Step title="Advanced" about="Most syncs leave these as they are.">
      <Textarea
        label="Notes"
        description="For your colleagues: what the sync is for, whom to ask."
        maxLength={4000}
        disabled={disabled}
        value={form.notes}
        error={problemAt(problems, "/notes")}
        onChange={(event) => {
          set({ notes: event.currentTarget.value });
        }}
      />
      <NumberInput
        label="Requests at once"
        description="Fewer spare a slow destination. Empty: as the installation says."
        min={1}
        max={1000}
        w={220}
        allowDecimal={false}
        disabled={disabled}
        value={form.concurrency ?? ""}
        error={problemAt(problems, "/concurrency")}
        onChange={(value) => {
          set({ concurrency: typeof value === "number" ? value : null });
        }}
      />
      <NumberInput
        label="Requests a minute"
        description="What is more waits. Empty: as many as the destination takes."
        min={1}
        max={1_000_000}
        w={220}
        allowDecimal={false}
        disabled={disabled}
        value={form.requests_per_minute ?? ""}
        error={problemAt(problems, "/requests_per_minute")}
        onChange={(value) => {
          set({ requests_per_minute: typeof value === "number" ? value : null });
        }}
      />
      <Switch
        label="Keep each user's deliveries in order"
        description="A user's next delivery begins when the one before is over, however long it is tried. Other users don't wait."
        disabled={disabled}
        checked={form.order === "per_user"}
        onChange={(event) => {
          set({ order: event.currentTarget.checked ? "per_user" : "none" });
        }}
      />
      <Switch
        label="Wait for properties of users"
        description="An event that lacks a user property which a required mapping names waits until one is sent; then it goes first. Otherwise it is discarded at once."
        disabled={disabled}
        checked={form.wait_for_properties_seconds !== null}
        onChange={(event) => {
          set({ wait_for_properties_seconds: event.currentTarget.checked ? WAIT_SECONDS : null });
        }}
      />
      {form.wait_for_properties_seconds !== null && (
        <NumberInput
          label="Wait at most, in minutes"
          description="From when the event was received; up to a day. Then it is discarded."
          min={1}
          max={1440}
          w={220}
          allowDecimal={false}
          disabled={disabled}
          value={Math.round(form.wait_for_properties_seconds / 60)}
          error={problemAt(problems, "/wait_for_properties_seconds")}
          onChange={(value) => {
            if (typeof value === "number") set({ wait_for_properties_seconds: value * 60 });
          }}
        />
      )}
      <Select
        label="Types of properties"
        description="Whether numbers and booleans stay such, or go as text."
        w={300}
        disabled={disabled}
        value={form.typed_properties === null ? "default" : form.typed_properties ? "typed" : "text"}
        data={[
          { value: "default", label: "As the destination says" },
          { value: "typed", label: "Keep their types" },
          { value: "text", label: "Send as text" },
        ]}
        onChange={(value) => {
          set({ typed_properties: value === "default" ? null : value === "typed" });
        }}
      />
      <Select
        label="User agent"
        description="The name under which requests are sent."
        w={300}
        disabled={disabled}
        value={form.user_agent}
        data={[
          { value: "millstream", label: "Millstream/Webhook/1.0" },
          { value: "original", label: "Amplitude/Webhook/1.0" },
        ]}
        onChange={(value) => {
          set({ user_agent: value === "original" ? "original" : "millstream" });
        }}
      />
    </Step>
  );
}
