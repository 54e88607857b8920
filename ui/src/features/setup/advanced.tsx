import { NumberInput, Select, Switch, Textarea } from "@mantine/core";
import { problemAt, WAIT_SECONDS } from "./form";
import { Step, type StepProps } from "./step";

/** What most syncs leave as it is. */
export function AdvancedStep({ form, set, problems, disabled, destination }: StepProps) {
  const awaitable = destination.content.mappings.some(({ name, required }) => required === true && form.mappings[name]?.scope === "user");
  return (
    <Step title="Advanced" about="Most syncs don't need these.">
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
        label="Concurrent requests"
        description="Lower it for a slow destination. Leave empty for the installation's default."
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
        label="Requests per minute"
        description="The rest waits. Leave empty for the destination's limit."
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
        label="Deliver each user's events in order"
        description="A user's next delivery starts once the one before has succeeded or failed, retries included. Other users don't wait. Up to a million deliveries of 100,000 users can wait; beyond that the sync stops reading until some are done."
        disabled={disabled}
        checked={form.order === "per_user"}
        onChange={(event) => {
          set({ order: event.currentTarget.checked ? "per_user" : "none" });
        }}
      />
      <Switch
        label="Wait for missing user properties"
        description="An event without a user property that a required mapping needs waits until it is known. Otherwise such events are discarded."
        disabled={disabled}
        checked={form.wait_for_properties_seconds !== null}
        onChange={(event) => {
          set({ wait_for_properties_seconds: event.currentTarget.checked ? WAIT_SECONDS : null });
        }}
      />
      {form.wait_for_properties_seconds !== null && (
        <NumberInput
          label="Maximum wait, in minutes"
          description={`1 to 1,440 (a day), from when the event was received. Then it is discarded; at once where 100 events of the user or 10,000 of the sync are waiting already, unless the installation sets other limits.${awaitable ? "" : " No required mapping uses a user property yet, so nothing would wait."}`}
          min={1}
          max={1440}
          maw={460}
          styles={{ wrapper: { maxWidth: 220 } }}
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
        label="Property types"
        description="Whether numbers and booleans keep their type, or are sent as text."
        w={300}
        disabled={disabled}
        value={form.typed_properties === null ? "default" : form.typed_properties ? "typed" : "text"}
        data={[
          { value: "default", label: "As the destination defines" },
          { value: "typed", label: "Keep their types" },
          { value: "text", label: "Send as text" },
        ]}
        onChange={(value) => {
          set({ typed_properties: value === "default" ? null : value === "typed" });
        }}
      />
      <Select
        label="User agent"
        description="The User-Agent header of requests."
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
