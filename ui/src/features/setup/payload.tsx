import { Button, Group, Input, Radio, Skeleton, Stack } from "@mantine/core";
import { Suspense } from "react";
import { late } from "@/components/late";
import type { FieldProblem } from "./form";
import { seenAt } from "./seen";
import type { StepProps } from "./step";

const TemplateEditor = late(() => import("@/components/template/editor"));

interface PayloadProps extends StepProps {
  label: string;
  /** Null: what the destination sends by itself. */
  template: string | null;
  pointer: string;
  problems: FieldProblem[];
  onChange: (template: string | null) => void;
}

/** A body to begin with, for events and for users. */
const BEGINNING: Record<string, string> = {
  "/events/template": `{
  <#if input.user_id??>
  "external_id" : "\${input.user_id}",
  </#if>
  "name" : "\${input.event_type}",
  "time" : "\${input.event_time}",
  "properties" : {
    "email" : "\${input.user_properties.email!}"
  }
}
`,
  "/users/template": `{
  <#if input.user_id??>
  "external_id" : "\${input.user_id}",
  </#if>
  <#if input.device_id??>
  "device_id" : "\${input.device_id}",
  </#if>
  "time" : "\${input.event_time}",
  "properties" : {
    "email" : "\${input.user_properties.email!}"
  }
}
`,
};

/** The default payload, or a FreeMarker template of one's own. */
export function PayloadField({ label, template, pointer, problems, disabled, event, eventText, form, observed, onChange }: PayloadProps) {
  const own = problems.filter((problem) => problem.pointer === pointer);
  return (
    <Stack gap="sm">
      <Radio.Group
        label={label}
        value={template === null ? "default" : "template"}
        onChange={(kind) => {
          onChange(kind === "default" ? null : (BEGINNING[pointer] ?? ""));
        }}
      >
        <Stack gap={8} mt={8}>
          <Radio value="default" label="Default: the whole event, as it is streamed" disabled={disabled} />
          <Radio value="template" label="Custom FreeMarker template" disabled={disabled} />
        </Stack>
      </Radio.Group>
      {template !== null && (
        <Input.Wrapper
          label="Template"
          labelElement="div"
          description="Type ${ or <# for suggestions. The live request updates as you type."
        >
          <Suspense fallback={<Skeleton height={240} mt={8} />}>
            <TemplateEditor
              label={`${label}, template`}
              value={template}
              problems={own}
              readOnly={disabled}
              scope={{
                input: event,
                inputText: eventText,
                parameters: Object.keys(form.parameters),
                mappedFields: Object.keys(form.mappings),
                seen: seenAt(observed, eventText),
              }}
              onChange={onChange}
            />
          </Suspense>
          {!disabled && template.trim() === "" && (
            <Group mt={8}>
              <Button
                variant="subtle"
                size="xs"
                onClick={() => {
                  onChange(BEGINNING[pointer] ?? "");
                }}
              >
                Start with an example
              </Button>
            </Group>
          )}
        </Input.Wrapper>
      )}
    </Stack>
  );
}
