import { ActionIcon, Button, Input, TextInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import type { Schemas } from "@/api/client";
import { problemAt, type TabProps } from "./shared";
import classes from "./editor.module.css";

type Link = Schemas["Link"];

/** Where to read more about the destination. */
export function LinksField({ draft, may, check }: Pick<TabProps, "draft" | "may" | "check">) {
  const { about } = draft.content;
  const links = about.links ?? [];
  const change = (next: Link[]) => {
    draft.change({ about: { ...about, links: next } });
  };
  const replace = (index: number, part: Partial<Link>) => {
    change(links.map((each, at) => (at === index ? { ...each, ...part } : each)));
  };
  return (
    <Input.Wrapper label="Links" labelElement="div" description="Where to read more, such as your API's documentation.">
      <div className={classes.fields} style={{ gap: 8, marginTop: 8 }}>
        {links.map((link, index) => (
          <div key={index} className={classes.row}>
            <TextInput
              aria-label={`Title of link ${String(index + 1)}`}
              placeholder="Title"
              disabled={!may}
              value={link.title}
              error={problemAt(check, `/about/links/${String(index)}/title`)}
              onChange={(event) => {
                replace(index, { title: event.currentTarget.value });
              }}
            />
            <TextInput
              aria-label={`Address of link ${String(index + 1)}`}
              placeholder="https://"
              disabled={!may}
              value={link.url}
              error={problemAt(check, `/about/links/${String(index)}/url`)}
              onChange={(event) => {
                replace(index, { url: event.currentTarget.value });
              }}
            />
            {may && (
              <ActionIcon
                aria-label={`Remove link ${String(index + 1)}`}
                onClick={() => {
                  change(links.filter((_, at) => at !== index));
                }}
              >
                <IconX size={15} />
              </ActionIcon>
            )}
          </div>
        ))}
        {may && (
          <Button
            variant="subtle"
            size="xs"
            style={{ alignSelf: "flex-start" }}
            leftSection={<IconPlus size={14} />}
            onClick={() => {
              change([...links, { title: "", url: "https://" }]);
            }}
          >
            Add link
          </Button>
        )}
      </div>
    </Input.Wrapper>
  );
}
