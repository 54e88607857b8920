import { Button, FileButton, Group, Input, Select, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ProblemError, send, take } from "@/api/client";
import { Logo } from "@/components/logo";
import { failed } from "@/components/notices";
import { Section } from "@/components/page";
import { CATEGORIES, isCategory } from "@/features/catalog/queries";
import { LinksField } from "./links-field";
import { type Definition, definitionQuery } from "./queries";
import { problemAt, type TabProps } from "./shared";
import classes from "./editor.module.css";

/** What the catalog shows: name, category, summary, description, picture. */
export function ConnectionInfo({ organisation, definition, draft, may, check }: TabProps) {
  const { content, change } = draft;
  const { about } = content;
  return (
    <Section title="Connection info" about="How it appears in the catalog.">
      <div className={classes.fields}>
        <div className={classes.grid}>
          <TextInput
            label="Display name"
            required
            disabled={!may}
            data-pointer="/display_name"
            value={content.display_name}
            error={problemAt(check, "/display_name")}
            onChange={(event) => {
              change({ display_name: event.currentTarget.value });
            }}
          />
          <Select
            label="Category"
            disabled={!may}
            value={about.category ?? "other"}
            data={Object.entries(CATEGORIES).map(([value, label]) => ({ value, label }))}
            onChange={(category) => {
              if (category !== null && isCategory(category)) change({ about: { ...about, category } });
            }}
          />
        </div>
        <TextInput
          label="Summary"
          description="One line, on the tile."
          disabled={!may}
          data-pointer="/about/summary"
          value={about.summary ?? ""}
          error={problemAt(check, "/about/summary")}
          onChange={(event) => {
            change({ about: { ...about, summary: event.currentTarget.value } });
          }}
        />
        <Textarea
          label="Full description"
          description="What it is for, with some common uses. Markdown; HTML in it is shown as text."
          minRows={4}
          maxRows={14}
          disabled={!may}
          data-pointer="/about/description"
          value={about.description ?? ""}
          error={problemAt(check, "/about/description")}
          onChange={(event) => {
            change({ about: { ...about, description: event.currentTarget.value } });
          }}
        />
        <LinksField draft={draft} may={may} check={check} />
        <LogoField organisation={organisation} definition={definition} may={may} />
      </div>
    </Section>
  );
}

interface LogoFieldProps {
  organisation: string;
  definition: Definition;
  may: boolean;
}

function LogoField({ organisation, definition, may }: LogoFieldProps) {
  const client = useQueryClient();
  const { display_name, about } = definition.draft;
  const url = `/api/v1/organisations/${encodeURIComponent(organisation)}/definitions/${encodeURIComponent(definition.id)}/logo`;
  const change = useMutation({
    mutationFn: (picture: File | null) => take<Definition>(sendPicture(url, picture)),
    onSuccess: (changed) => {
      client.setQueryData(definitionQuery(organisation, definition.id).queryKey, changed);
    },
    onError: (error) => {
      if (refusedFor(error) === null) failed("The logo wasn't changed")(error);
    },
  });
  return (
    <Input.Wrapper
      label="Integration logo"
      labelElement="div"
      description="A PNG of 16 to 512 pixels a side, at most 512 KiB."
      error={refusedFor(change.error)}
      errorProps={{ role: "alert", mt: 8 }}
      inputWrapperOrder={["label", "description", "input", "error"]}
    >
      <Group mt={8}>
        <Logo name={display_name} logo={about.logo} size={52} />
        {may && (
          <FileButton
            accept="image/png"
            onChange={(file) => {
              if (file !== null) change.mutate(file);
            }}
          >
            {(props) => (
              <Button {...props} variant="default" size="xs" loading={change.isPending}>
                Upload PNG
              </Button>
            )}
          </FileButton>
        )}
        {may && about.logo != null && (
          <Button
            variant="subtle"
            color="gray"
            size="xs"
            onClick={() => {
              change.mutate(null);
            }}
          >
            Remove
          </Button>
        )}
      </Group>
    </Input.Wrapper>
  );
}

/** What is wrong with a picture; null: it isn't the picture. */
function refusedFor(error: Error | null): string | null {
  if (!(error instanceof ProblemError) || error.errors.length === 0) return null;
  return `The logo wasn't changed: ${error.errors.map(({ message }) => message).join(" ")}`;
}

/** The picture goes as it is, which the JSON client doesn't do. */
async function sendPicture(url: string, picture: File | null) {
  const change =
    picture === null ? { method: "DELETE" } : { method: "PUT", headers: { "content-type": "image/png" }, body: picture };
  const response = await send(new Request(url, change));
  const body: unknown = await response.json().catch(() => null);
  return response.ok ? { data: body as Definition, response } : { error: body, response };
}
