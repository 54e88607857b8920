import { NumberInput, Select, Textarea } from "@mantine/core";
import { problemAt } from "./form";
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
