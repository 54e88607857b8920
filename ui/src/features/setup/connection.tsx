import { ActionIcon, Button, Checkbox, Group, Input, PasswordInput, Select, TextInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import type { Schemas } from "@/api/client";
import { useAdded } from "@/components/added";
import { type FieldProblem, type HeaderField, problemAt, type SecretField } from "./form";
import { Step, type StepProps } from "./step";
import classes from "./connection.module.css";

/** Where requests go, and with which credentials. */
export function ConnectionStep({ form, set, sync, destination, problems, disabled }: StepProps) {
  const ownUrl = sync.url !== undefined && sync.url !== null ? true : destination.extra_headers > 0;
  const { parameters } = destination.content;
  const shown = parameters.filter((parameter) => !(ownUrl && parameter.name === "url"));
  return (
    <Step title="Connection" about="Where requests are sent, and how they authenticate.">
      <TextInput
        label="Name of the sync"
        required
        maxLength={200}
        disabled={disabled}
        value={form.name}
        error={problemAt(problems, "/name")}
        onChange={(event) => {
          set({ name: event.currentTarget.value });
        }}
      />
      {ownUrl && (
        <TextInput
          label="Webhook URL"
          description="Each event is sent here. It may be a template, such as https://example.com/${input.event_type?url}."
          placeholder="https://example.com/hook"
          required
          disabled={disabled}
          value={form.url}
          error={problemAt(problems, "/url") ?? problemAt(problems, "/parameters/url")}
          onChange={(event) => {
            set({ url: event.currentTarget.value });
          }}
        />
      )}
      {shown.map((parameter) => (
        <ParameterField
          key={parameter.name}
          parameter={parameter}
          field={form.parameters[parameter.name]}
          stored={sync.parameters[parameter.name]?.secret === true}
          problems={problems}
          disabled={disabled}
          onChange={(field) => {
            set({ parameters: { ...form.parameters, [parameter.name]: field } });
          }}
        />
      ))}
      {destination.extra_headers > 0 && (
        <Headers
          headers={form.headers}
          most={destination.extra_headers}
          problems={problems}
          disabled={disabled}
          onChange={(headers) => {
            set({ headers });
          }}
        />
      )}
    </Step>
  );
}

interface ParameterProps {
  parameter: Schemas["Parameter"];
  field: SecretField | undefined;
  /** Whether a secret is stored for it. */
  stored: boolean;
  problems: FieldProblem[];
  disabled: boolean;
  onChange: (field: SecretField) => void;
}

/** A parameter, as the destination's author asks for it. */
export function ParameterField({ parameter, field, stored, problems, disabled, onChange }: ParameterProps) {
  const secret = parameter.kind === "secret";
  const common = {
    label: parameter.display_name,
    description: parameter.help === "" ? undefined : parameter.help,
    error: problemAt(problems, `/parameters/${escapePointer(parameter.name)}`),
    disabled,
  };
  const required = parameter.required === true;
  const given = (value: string) => {
    onChange({ secret: field?.secret ?? secret, value });
  };
  switch (parameter.kind) {
    case "checkbox":
      return (
        <Checkbox
          {...common}
          checked={(field?.value ?? parameter.default ?? "false") === "true"}
          onChange={(event) => {
            given(String(event.currentTarget.checked));
          }}
        />
      );
    case "select":
      return (
        <Select
          {...common}
          withAsterisk={required}
          data={parameter.options ?? []}
          value={field?.value ?? parameter.default ?? null}
          placeholder="Choose"
          onChange={(value) => {
            if (value !== null) given(value);
          }}
        />
      );
    case "secret":
      return (
        <PasswordInput
          {...common}
          withAsterisk={required}
          autoComplete="off"
          placeholder={stored ? "Stored. Enter another one to replace it." : undefined}
          value={field?.value ?? ""}
          onChange={(event) => {
            const { value } = event.currentTarget;
            onChange({ secret: true, value: value === "" && stored ? null : value });
          }}
        />
      );
    default:
      return (
        <TextInput
          {...common}
          withAsterisk={required}
          placeholder={parameter.default ?? undefined}
          value={field?.value ?? ""}
          onChange={(event) => {
            given(event.currentTarget.value);
          }}
        />
      );
  }
}

interface HeadersProps {
  headers: HeaderField[];
  most: number;
  problems: FieldProblem[];
  disabled: boolean;
  onChange: (headers: HeaderField[]) => void;
}

function Headers({ headers, most, problems, disabled, onChange }: HeadersProps) {
  const { place, note } = useAdded(headers.length);
  const replace = (index: number, part: Partial<HeaderField>) => {
    onChange(headers.map((header, at) => (at === index ? { ...header, ...part } : header)));
  };
  return (
    <Input.Wrapper
      label="Headers"
      description={`Content-Type and User-Agent are preset. Add up to ${String(most)} of your own; values may be templates.`}
      labelElement="div"
    >
      <div ref={place} className={classes.headers}>
        {headers.map((header, index) => (
          <div key={index} data-item className={classes.header}>
            <TextInput
              aria-label={`Name of header ${String(index + 1)}`}
              placeholder="Authorization"
              disabled={disabled}
              value={header.name}
              error={problemAt(problems, `/headers/${String(index)}/name`)}
              onChange={(event) => {
                const { value } = event.currentTarget;
                replace(index, { name: value, ...(looksSecret(value) && header.value === "" ? { secret: true } : {}) });
              }}
            />
            <TextInput
              aria-label={`Value of header ${String(index + 1)}`}
              placeholder={header.secret && header.value === null ? "Stored, never shown" : "Value"}
              disabled={disabled}
              type={header.secret ? "password" : "text"}
              autoComplete="off"
              value={header.value ?? ""}
              error={problemAt(problems, `/headers/${String(index)}/value`)}
              onChange={(event) => {
                replace(index, { value: event.currentTarget.value });
              }}
            />
            <Checkbox
              label="Secret"
              disabled={disabled || (header.secret && header.value === null)}
              checked={header.secret}
              className={classes.secret}
              onChange={(event) => {
                replace(index, { secret: event.currentTarget.checked });
              }}
            />
            {!disabled && (
              <ActionIcon
                aria-label={`Remove header ${String(index + 1)}`}
                onClick={() => {
                  onChange(headers.filter((_, at) => at !== index));
                }}
              >
                <IconX size={15} />
              </ActionIcon>
            )}
          </div>
        ))}
        {!disabled && (
          <Group>
            <Button
              variant="subtle"
              size="xs"
              leftSection={<IconPlus size={14} />}
              disabled={headers.length >= most}
              onClick={() => {
                note();
                onChange([...headers, { name: "", value: "", secret: false }]);
              }}
            >
              Add header
            </Button>
          </Group>
        )}
      </div>
    </Input.Wrapper>
  );
}

function looksSecret(name: string): boolean {
  return /auth|cookie|credential|key|passw|secret|session|signature|token/i.test(name);
}

/** A name as a step of a JSON pointer. */
export function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
